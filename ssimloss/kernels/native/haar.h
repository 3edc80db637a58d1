// HaarPSI of scaled and halved planes (luma, or luma, I and Q): the weighted mean of a logistic curve of the dissimilarity of Haar
// coefficients, and its gradient; see functional/haarpsi.py.
//
//   sums down   8 rows of each luma                     -> for squares of 2, 4 and 8 pixels: both halves added, and one less the other
//   compare     these across, point by point            -> weights and curves, their sums; or derivatives of the coefficients
//   spread      derivatives across, transposed          -> ring of rows
//   gather      8 of these rows                         -> a row of the gradient
//
// The square of 2 h pixels at (i, j) begins at (i - h + 1, j - h + 1); zeros lie beyond the border. A row of the gradient depends on the
// derivatives of 4 rows above and 3 below.

#pragma once

#include "functions.h"
#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kHaarRing = 8;     // rows
constexpr int kHaarScales = 3;   // squares of 2, 4 and 8 pixels
constexpr int kHaarMargin = 64;  // of a line: what squares and a vector reach beyond it
constexpr int kSpread = 8;       // lines of the transposed filters of an image: two for each scale, I and Q

template <class T>
INLINE Vector<T> sign_of_each(Vector<T> v) { return keep<T>(broadcast<T>(1), v > 0) - keep<T>(broadcast<T>(1), v < 0); }

// (|a| - |b|)^2 / (a^2 + b^2 + c), and half its derivatives.
template <class T>
struct Unlike {
  Vector<T> value, by_a, by_b;
  INLINE Unlike(Vector<T> a, Vector<T> b, T c) {
    const Mask<T> opposite = a * b < 0;
    const Vector<T> off = choose<T>(opposite, a + b, a - b), over = 1 / (a * a + b * b + c);
    value = off * off * over;
    by_a = (off - value * a) * over;
    by_b = (choose<T>(opposite, off, -off) - value * b) * over;
  }
};

template <class T>
class HaarRows {
 public:
  using V = Vector<T>;
  static constexpr int kLanes = Lanes<T>::count;
  static int64_t length(const HaarMeans& job) { return job.width + 2 * kHaarMargin; }
  static int64_t bytes(const HaarMeans& job) {
    return (int64_t)sizeof(T) * length(job) * (2 * 3 * kHaarRing + 2 * 2 * kHaarScales + 2 * kSpread * (kHaarRing + 1) + 4);
  }

  HaarRows(const HaarMeans& job, T* scratch)
      : job_(job), next_(scratch), w_(job.width), h_(job.height), color_(job.channels == 3), c_((T)job.c), alpha_((T)job.alpha), k_((T)job.decayed),
        least_((T)job.least) {
    for (int which = 0; which < 2; which++) {
      for (int slot = 0; slot < kHaarRing; slot++) {
        for (int channel = 0; channel < 3; channel++) pixels_[which][channel][slot] = take();
        for (int line = 0; line < kSpread; line++) spread_[which][line][slot] = take();
      }
      for (int k = 0; k < 2 * kHaarScales; k++) sums_[which][k] = take();
      for (int line = 0; line < kSpread; line++) derived_[which][line] = take();
    }
    nothing_ = take();
    weighted_ = take();
    weights_ = take();
    row_ = take();
  }

  // Rows [from, to) of an image.
  void run(int64_t image, int64_t from, int64_t to) {
    image_ = image;
    const bool wanted = job_.grad_x.data || job_.grad_y.data;
    const int64_t begin = wanted ? (from > 4 ? from - 4 : 0) : from, end = wanted ? (to + 3 < h_ ? to + 3 : h_) : to;
    read_ = begin > 3 ? begin - 3 : 0;
    int64_t next = from;
    for (int64_t row = begin; row < end; row++) {
      for (const int64_t last = row + 5 < h_ ? row + 5 : h_; read_ < last; read_++) read(read_);
      for (int which = 0; which < 2; which++) sums_down(which, row);
      if (!wanted) {
        compare<0>(row);
        pool(row);
        continue;
      }
      job_.grad_y.data ? compare<2>(row) : compare<1>(row);
      for (int which = 0; which < 2; which++)
        if (gradient(which).data) spread(which, row);
      for (; next < to && (next + 3 <= row || row == h_ - 1); next++)
        for (int which = 0; which < 2; which++)
          if (gradient(which).data) gather(which, next);
    }
  }

 private:
  T* take() {
    T* line = next_ + kHaarMargin;
    next_ += length(job_);
    for (int64_t j = -kHaarMargin; j < w_ + kHaarMargin; j++) line[j] = T(0);
    return line;
  }
  static int slot(int64_t row) { return (int)(row % kHaarRing); }
  const Image& gradient(int which) const { return which ? job_.grad_y : job_.grad_x; }

  void read(int64_t row) {
    for (int which = 0; which < 2; which++)
      for (int64_t channel = 0; channel < job_.channels; channel++) {
        const Image& image = which ? job_.y : job_.x;
        read_line(image, start_of(image, image_ * job_.channels + channel, job_.channels, row, 0), w_, T(0), pixels_[which][channel][slot(row)]);
      }
  }
  const T* pixels(int which, int channel, int64_t row) const { return row < 0 || row >= h_ ? nothing_ : pixels_[which][channel][slot(row)]; }

  // Lines 2 s and 2 s + 1: the lower half of squares less the upper one, and both.
  __attribute__((noinline)) void sums_down(int which, int64_t row) {
    const T* rows[8];
    for (int k = 0; k < 8; k++) rows[k] = pixels(which, 0, row + k - 3);
    T* const* out = sums_[which];
    for (int64_t j = 0; j < w_; j += kLanes) {
      V v[8];
#pragma GCC unroll 8
      for (int k = 0; k < 8; k++) v[k] = load(rows[k] + j);
      const V above = v[2] + v[3], below = v[4] + v[5], most_above = v[0] + v[1] + above, most_below = below + (v[6] + v[7]);
      store<T>(out[0] + j, v[4] - v[3]);
      store<T>(out[1] + j, v[3] + v[4]);
      store<T>(out[2] + j, below - above);
      store<T>(out[3] + j, above + below);
      store<T>(out[4] + j, most_below - most_above);
      store<T>(out[5] + j, most_above + most_below);
    }
  }

  // The sums of `HALF` pixels from `from` on.
  template <int HALF>
  static INLINE V across(const T* from) {
    V sum = load(from);
#pragma GCC unroll 8
    for (int k = 1; k < HALF; k++) sum += load(from + k);
    return sum;
  }
  // The coefficient of direction 0 (the lower half less the upper one) or 1 (the right half less the left one).
  template <int HALF>
  static INLINE V coefficient(const T* sums, int direction) {
    const V left = across<HALF>(sums - HALF + 1), right = across<HALF>(sums + 1);
    return direction ? right - left : left + right;
  }

  V mean(int which, int channel, int64_t row, int64_t j) const {
    const T *a = pixels(which, channel, row) + j, *b = pixels(which, channel, row + 1) + j;
    return T(0.25) * ((load(a) + load(b)) + (load(a + 1) + load(b + 1)));
  }

  // A row of weights and weighted curves, or (WANTED: of x, or of both) of derivatives.
  template <int WANTED>
  __attribute__((noinline)) void compare(int64_t row) {
    const T factor = WANTED ? (T)(job_.scale / job_.masses[image_]) : T(0), average = WANTED ? (T)job_.means[image_] : T(0);
    for (int64_t j = 0; j < w_; j += kLanes) {
      V weight[2], curve[3] = {}, slope[3] = {}, of_weight[2], fine[2][2][2], coarse[2][2];  // fine: direction, scale, image
#pragma GCC unroll 2
      for (int o = 0; o < 2; o++) {
        V value = {};
        const Unlike<T> first(coefficient<1>(sums_[0][o] + j, o), coefficient<1>(sums_[1][o] + j, o), 4 * c_);
        const Unlike<T> second(coefficient<2>(sums_[0][2 + o] + j, o), coefficient<2>(sums_[1][2 + o] + j, o), 16 * c_);
        fine[o][0][0] = first.by_a;
        fine[o][0][1] = first.by_b;
        fine[o][1][0] = second.by_a;
        fine[o][1][1] = second.by_b;
        value = T(0.5) * (first.value + second.value);
        logistic(value, curve[o], slope[o]);
        const V a = coefficient<4>(sums_[0][4 + o] + j, o), b = coefficient<4>(sums_[1][4 + o] + j, o), size_a = size_of_each<T>(a),
                size_b = size_of_each<T>(b);
        weight[o] = T(0.125) * choose<T>(size_b > size_a, size_b, choose<T>(size_b == size_b, size_a, size_b));
        if (WANTED) {
          const V half = keep<T>(broadcast<T>(T(0.5)), size_a == size_b);
          coarse[o][0] = T(0.125) * sign_of_each<T>(a) * (half + keep<T>(broadcast<T>(1), size_a > size_b));
          coarse[o][1] = T(0.125) * sign_of_each<T>(b) * (half + keep<T>(broadcast<T>(1), size_b > size_a));
        }
      }
      V by_color[2][2] = {}, color_weight = {};
      if (color_) {
        const Unlike<T> i(mean(0, 1, row, j), mean(1, 1, row, j), c_), q(mean(0, 2, row, j), mean(1, 2, row, j), c_);
        logistic(T(0.5) * (i.value + q.value), curve[2], slope[2]);
        by_color[0][0] = i.by_a;
        by_color[0][1] = i.by_b;
        by_color[1][0] = q.by_a;
        by_color[1][1] = q.by_b;
        color_weight = T(0.5) * (weight[0] + weight[1]) + least_;
      }
      if (!WANTED) {
        V mass = (weight[0] + least_) + (weight[1] + least_), total = (weight[0] + least_) * curve[0] + (weight[1] + least_) * curve[1];
        if (color_) {
          mass += color_weight;
          total += color_weight * curve[2];
        }
        store<T>(weights_ + j, mass);
        store<T>(weighted_ + j, total);
        continue;
      }
#pragma GCC unroll 2
      for (int o = 0; o < 2; o++) {
        of_weight[o] = factor * (curve[o] - average);
        if (color_) of_weight[o] += T(0.5) * factor * (curve[2] - average);
        const V of_value = factor * (weight[o] + least_) * slope[o];
#pragma GCC unroll 2
        for (int which = 0; which < WANTED; which++) {
          store<T>(derived_[which][o] + j, of_value * fine[o][0][which]);
          store<T>(derived_[which][2 + o] + j, of_value * fine[o][1][which]);
          store<T>(derived_[which][4 + o] + j, of_weight[o] * coarse[o][which]);
        }
      }
      if (color_) {
        const V of_value = T(0.25) * factor * color_weight * slope[2];
#pragma GCC unroll 2
        for (int which = 0; which < WANTED; which++) {
          store<T>(derived_[which][6] + j, of_value * by_color[0][which]);
          store<T>(derived_[which][7] + j, of_value * by_color[1][which]);
        }
      }
    }
    for (int which = 0; which < WANTED; which++)  // what lies beyond the row
      for (int line = 0; line < kSpread; line++) store<T>(derived_[which][line] + w_, V{});
  }

  // (1 - exp(-a v)) / (k + exp(-a v)), and its derivative.
  INLINE void logistic(V value, V& curve, V& slope) const {
    V left, gone;
    decay<T>(alpha_ * value, left, gone);
    const V over = 1 / (k_ + left);
    curve = gone * over;
    slope = alpha_ * (1 + k_) * left * over * over;
  }

  void pool(int64_t row) {
    store<T>(weights_ + w_, V{});
    store<T>(weighted_ + w_, V{});
    V mass = {}, total = {};
    for (int64_t j = 0; j < w_; j += kLanes) {
      mass += load(weights_ + j);
      total += load(weighted_ + j);
    }
    double* sums = job_.row_sums + 2 * (image_ * h_ + row);
    sums[0] = sums[1] = 0;
    for (int k = 0; k < kLanes; k++) {
      sums[0] += total[k];
      sums[1] += mass[k];
    }
  }

  // Of each scale, what a row of derivatives adds to the rows of the lower half, and to those of the upper one.
  template <int HALF>
  __attribute__((noinline)) void spread_scale(const T* of_rows, const T* of_columns, T* lower, T* upper) {
    for (int64_t j = 0; j < w_; j += kLanes) {
      const V rows = across<HALF>(of_rows + j - HALF) + across<HALF>(of_rows + j);
      const V columns = across<HALF>(of_columns + j - HALF) - across<HALF>(of_columns + j);
      store<T>(lower + j, columns + rows);
      store<T>(upper + j, columns - rows);
    }
  }
  void spread(int which, int64_t row) {
    T** d = derived_[which];
    T* to[kSpread];
    for (int line = 0; line < kSpread; line++) to[line] = spread_[which][line][slot(row)];
    spread_scale<1>(d[0], d[1], to[0], to[1]);
    spread_scale<2>(d[2], d[3], to[2], to[3]);
    spread_scale<4>(d[4], d[5], to[4], to[5]);
    for (int k = 0; color_ && k < 2; k++)
      for (int64_t j = 0; j < w_; j += kLanes) store<T>(to[6 + k] + j, load(d[6 + k] + j - 1) + load(d[6 + k] + j));
  }

  const T* spread_of(int which, int line, int64_t row) const { return row < 0 || row >= h_ ? nothing_ : spread_[which][line][slot(row)]; }

  __attribute__((noinline)) void gather(int which, int64_t row) {
    const T* rows[14];
    int count = 0;
    for (int scale = 0; scale < kHaarScales; scale++)
      for (int k = 0, half = 1 << scale; k < half; k++) {
        rows[count++] = spread_of(which, 2 * scale, row - 1 - k);
        rows[count++] = spread_of(which, 2 * scale + 1, row + k);
      }
    for (int64_t j = 0; j < w_; j += kLanes) {
      V sum = load(rows[0] + j) + load(rows[1] + j);
#pragma GCC unroll 16
      for (int k = 2; k < 14; k++) sum += load(rows[k] + j);
      store<T>(row_ + j, sum);
    }
    write(which, 0, row);
    for (int k = 1; color_ && k < 3; k++) {
      const T *above = spread_of(which, 5 + k, row - 1), *here = spread_of(which, 5 + k, row);
      for (int64_t j = 0; j < w_; j += kLanes) store<T>(row_ + j, load(above + j) + load(here + j));
      write(which, k, row);
    }
  }

  void write(int which, int channel, int64_t row) const {
    const Image& image = gradient(which);
    T* out = (T*)image.data + start_of(image, image_ * job_.channels + channel, job_.channels, row, 0);
    const T* __restrict from = row_;
    const int64_t step = image.stride[3];
    for (int64_t j = 0; j < w_; j++) out[j * step] = from[j];
  }

  const HaarMeans& job_;
  T* next_;
  const int64_t w_, h_;
  const bool color_;
  const T c_, alpha_, k_, least_;
  int64_t image_ = 0, read_ = 0;
  T *pixels_[2][3][kHaarRing], *spread_[2][kSpread][kHaarRing], *sums_[2][2 * kHaarScales], *derived_[2][kSpread];
  T *nothing_, *weighted_, *weights_, *row_;
};

template <class T>
void haar_means_of(const HaarMeans& job, int share, int shares, T* scratch) {
  HaarRows<T> rows(job, scratch);
  run_share(rows, job.count, job.height, share, shares);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
