// The information at positions of a band of a pyramid, which IW-SSIM weighs by, and its gradient to the distorted image; see functional/iw_ssim.py.
//
// A neighbourhood is 3 x 3 pixels of the reference y, and a pixel of the next coarser band where there is one. Position (i, j) of the map is the
// middle pixel (i + 5, j + 5): as many pixels are left out at each side as a window of 11 does.

#pragma once

#include "engine.h"
#include "information.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int64_t kLeftOut = 4;  // before the first neighbourhood of the map

// sums[k] = sum over j of first[j] others[k][j], in double precision
template <int N>
__attribute__((noinline)) void inner_products(const double* first, const double* const* others, int64_t count, double* sums) {
  using V = Vector<double>;
  constexpr int kLanes = Lanes<double>::count;
  V parts[N] = {};
  int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    const V of_first = load(first + j);
#pragma GCC unroll 10
    for (int k = 0; k < N; k++) parts[k] += of_first * load(others[k] + j);
  }
  for (int k = 0; k < N; k++) {
    double sum = 0;
    for (int lane = 0; lane < kLanes; lane++) sum += parts[k][lane];
    for (int64_t rest = j; rest < count; rest++) sum += first[rest] * others[k][rest];
    sums[k] = sum;
  }
}

// Of each row of neighbourhoods, the sums of products of its pixels: K (K + 1) / 2 for pairs of which the second is not before the first.
template <class T>
void neighbour_products_of(const Mixture& job, int share, int shares, double* scratch) {
  const int64_t w = job.width, rows = job.height - 2, count = w - 2;
  const int pixels = job.parent ? 10 : 9;
  const double* lines[10];
  for (int k = 0; k < 9; k++) lines[k] = scratch + k / 3 * w + k % 3;
  lines[9] = scratch + 3 * w;
  const auto widen = [&](const T* from, int64_t length, double* to) INLINE_LAMBDA {
    for (int64_t j = 0; j < length; j++) to[j] = from[j];
  };
  for (int64_t at = job.planes * rows * share / shares; at < job.planes * rows * (share + 1) / shares; at++) {
    const int64_t plane = at / rows, row = at % rows;
    for (int64_t i = 0; i < 3; i++) widen((const T*)job.y + (plane * job.height + row + i) * w, w, scratch + i * w);
    if (job.parent) widen((const T*)job.parent + at * count, count, scratch + 3 * w);
    double* sums = job.row_sums + at * (pixels * (pixels + 1) / 2);
    for (int k = 0; k < pixels; k++) {
      const double* const* others = lines + k;
      switch (pixels - k) {
        case 10: inner_products<10>(lines[k], others, count, sums); break;
        case 9: inner_products<9>(lines[k], others, count, sums); break;
        case 8: inner_products<8>(lines[k], others, count, sums); break;
        case 7: inner_products<7>(lines[k], others, count, sums); break;
        case 6: inner_products<6>(lines[k], others, count, sums); break;
        case 5: inner_products<5>(lines[k], others, count, sums); break;
        case 4: inner_products<4>(lines[k], others, count, sums); break;
        case 3: inner_products<3>(lines[k], others, count, sums); break;
        case 2: inner_products<2>(lines[k], others, count, sums); break;
        case 1: inner_products<1>(lines[k], others, count, sums); break;
      }
      sums += pixels - k;
    }
  }
}

template <class T, int K>
class InformationRows {
 public:
  using V = Vector<T>;
  using M = Mask<T>;
  static constexpr int kLanes = Lanes<T>::count;
  static constexpr int kSlopes = 3;  // of the means of x, of x^2 (twice) and of x y

  explicit INLINE InformationRows(const Mixture& job) : job_(job), map_h_(job.height - 10), map_w_(job.width - 10) {}

  // Room for a row of the map, or of a slope of it with six zeros before and behind.
  static int64_t line(const Mixture& job) { return job.width + 8 + 2 * kLanes; }
  static int64_t scratch(const Mixture& job) { return (job.upstream ? 4 * kSlopes : 1) * line(job); }

  void forward(int share, int shares, T* room) const {
    const int64_t rows = job_.planes * map_h_;
    for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
      T* none[kSlopes] = {};
      row<false>(at / map_h_, at % map_h_, room, none);
      __builtin_memcpy((T*)job_.map + at * map_w_, room, map_w_ * sizeof(T));
    }
  }

  void backward(int share, int shares, T* room) const {
    const int64_t length = line(job_), rows = job_.planes * job_.height;
    for (int64_t i = 0; i < 4 * kSlopes * length; i++) room[i] = T(0);
    T* const sums = room + 3 * kSlopes * length;
    int64_t held[3] = {-1, -1, -1};  // rows of the maps whose slopes are there
    for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
      const int64_t plane = at / job_.height, r = at % job_.height;
      T* const to = (T*)job_.gradient + at * job_.width;
      bool any = false;
      for (int64_t i = r - kLeftOut - 2; i <= r - kLeftOut; i++) {
        if (i < 0 || i >= map_h_) continue;
        const int64_t which = plane * map_h_ + i, slot = i % 3;
        T* slopes[kSlopes];
        for (int k = 0; k < kSlopes; k++) slopes[k] = room + (slot * kSlopes + k) * length + 6;
        if (held[slot] != which) row<true>(plane, i, nullptr, slopes);
        held[slot] = which;
        for (int k = 0; k < kSlopes; k++)
          for (int64_t j = 0; j < map_w_; j++) sums[k * length + 6 + j] = (any ? sums[k * length + 6 + j] : T(0)) + slopes[k][j];
        any = true;
      }
      if (!any) {
        for (int64_t c = 0; c < job_.width; c++) to[c] = T(0);
        continue;
      }
      const T *x = (const T*)job_.x + at * job_.width, *y = (const T*)job_.y + at * job_.width;
      const T *a = sums, *b = sums + length, *d = sums + 2 * length;
      for (int64_t c = 0; c < job_.width; c++)
        to[c] = ((a[c] + a[c + 1] + a[c + 2]) + x[c] * (b[c] + b[c + 1] + b[c + 2]) + y[c] * (d[c] + d[c + 1] + d[c + 2])) * T(1.0 / 9);
    }
  }

 private:
  // Row i of the map of a plane to `out`, or the slopes of it, each times the upstream gradient.
  template <bool GRADIENT>
  void row(int64_t plane, int64_t i, T* out, T* const* slopes) const {
    const T *lines[K], *of_x[3];
    for (int64_t d = 0; d < 3; d++) {
      const int64_t from = (plane * job_.height + i + kLeftOut + d) * job_.width + kLeftOut;
      for (int64_t j = 0; j < 3; j++) lines[3 * d + j] = (const T*)job_.y + from + j;
      of_x[d] = (const T*)job_.x + from;
    }
    if (K == 10) lines[K - 1] = (const T*)job_.parent + (plane * (job_.height - 2) + i + kLeftOut) * (job_.width - 2) + kLeftOut;
    const T *factor = (const T*)job_.factor + plane * K * K, *variances = (const T*)job_.variances + plane * K;
    const T* upstream = GRADIENT ? (const T*)job_.upstream + (plane * map_h_ + i) * map_w_ : nullptr;
    for (int64_t j = 0; j < map_w_; j += kLanes) {
      V energy{}, pixels[K];
#pragma GCC unroll 10
      for (int k = 0; k < K; k++) {
        pixels[k] = load(lines[k] + j);
        V sum{};
#pragma GCC unroll 10
        for (int l = 0; l <= k; l++) sum += factor[k * K + l] * pixels[l];
        energy += sum * sum;
      }
      energy *= T(1.0 / K);
      constexpr T kNinth = T(1.0 / 9);
      V m_x{}, m_y{}, var_x{}, var_y{}, cov{};
      for (int k = 0; k < 9; k++) {
        m_x += load(of_x[k / 3] + k % 3 + j);
        m_y += pixels[k];
      }
      m_x *= kNinth;
      m_y *= kNinth;
      for (int k = 0; k < 9; k++) {
        const V x = load(of_x[k / 3] + k % 3 + j) - m_x, y = pixels[k] - m_y;
        var_x += x * x;
        var_y += y * y;
        cov += x * y;
      }
      V of_upstream{};
      if (GRADIENT) __builtin_memcpy(&of_upstream, upstream + j, (map_w_ - j < kLanes ? map_w_ - j : kLanes) * sizeof(T));
      V found[kSlopes];
      points<GRADIENT>(m_x, m_y, var_x * kNinth, var_y * kNinth, cov * kNinth, energy, variances, of_upstream, found);
      if (!GRADIENT) store(out + j, found[0]);
      // The last vector also writes zeros behind: that far, the upstream gradient is 0.
      for (int k = 0; GRADIENT && k < kSlopes; k++) store(slopes[k] + j, keep<T>(found[k], first_lanes<T>(map_w_ - j)));
    }
  }

  template <bool GRADIENT>
  INLINE void points(V m_x, V m_y, V var_x, V var_y, V cov, V energy, const T* variances, V upstream, V* found) const {
    constexpr T kPerBit = T(1.4426950408889634), kMost = sizeof(T) == 4 ? T(__FLT_MAX__) : T(__DBL_MAX__);
    const T noise = (T)job_.noise, flat = (T)job_.flat, least = (T)job_.least;
    const V zero{};
    const M flat_x = var_x < least, some = ~(flat_x | (var_y < least));  // NaN is neither flat nor hidden
    const V over_y = 1 / (var_y + flat), g = keep<T>(cov, some) / (var_y + flat);  // exactly 1 for equal images
    const V rest = var_x - g * cov;
    const M rests = ~flat_x & ~(rest < zero);
    const V var_v = keep<T>(rest, rests), base = 1 + var_v * (1 / noise), over_base = 1 / base;
    const V gained = energy * over_base * (1 / (noise * noise)), rate = (var_v + (1 + g * g) * noise) * gained;
    V value = T(K) * log2_of<T>(base), of_rate{};
#pragma GCC unroll 5
    for (int k = 0; k < (K + 1) / 2; k++) {
      const T first = variances[k], last = variances[K - 1 - k];
      const bool alone = k == K - 1 - k;
      const V one = 1 + rate * first, other = alone ? zero + 1 : 1 + rate * last, product = one * other;
      const M beyond = product > kMost;  // of what float32 holds, see iw_ssim.py
      if (!GRADIENT) value += log2_of<T>(choose<T>(beyond, zero + kMost, product));
      if (GRADIENT) of_rate += keep<T>(alone ? first / one : first / one + last / other, ~beyond);
    }
    if (!GRADIENT) {
      found[0] = value;
      return;
    }
    upstream *= kPerBit;
    of_rate *= upstream;
    const V of_base = upstream * T(K) * over_base - of_rate * rate * over_base;
    const V of_v = keep<T>(of_rate * gained + of_base * (1 / noise), rests);
    const V of_g = 2 * of_rate * g * noise * gained - of_v * cov;
    const V of_cov = keep<T>(of_g * over_y, some) - of_v * g;
    found[0] = -2 * m_x * of_v - m_y * of_cov;
    found[1] = 2 * of_v;
    found[2] = of_cov;
  }

  const Mixture& job_;
  const int64_t map_h_, map_w_;
};

template <class T>
void information_map_of(const Mixture& job, int share, int shares, T* scratch) {
  const auto run = [&](const auto& rows) { job.upstream ? rows.backward(share, shares, scratch) : rows.forward(share, shares, scratch); };
  job.parent ? run(InformationRows<T, 10>(job)) : run(InformationRows<T, 9>(job));
}

template <class T>
int64_t information_map_room(const Mixture& job) {
  return InformationRows<T, 10>::scratch(job) * (int64_t)sizeof(T);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
