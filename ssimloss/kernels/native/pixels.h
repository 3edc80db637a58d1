// Distances per pixel and their derivatives: L1, L2, Charbonnier, Huber, and the first three clipped.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPixelParts = 16;     // pixels at a time, which are added up in as many parts: the same for every instruction set
constexpr int64_t kPixelRun = 256;  // pixels that are added up in the computing type, 16 in each part

template <class T>
struct L1Distance {
  INLINE Vector<T> operator()(Vector<T> d, Vector<T>& slope) const {
    const Vector<T> zero = {}, one = broadcast(T(1));
    slope = d > zero ? one : d < zero ? -one : d;  // 0 of 0, and NaN of NaN
    return d < zero ? -d : d;
  }
};

template <class T>
struct L2Distance {
  INLINE Vector<T> operator()(Vector<T> d, Vector<T>& slope) const {
    slope = 2 * d;
    return d * d;
  }
};

template <class T>
struct CharbonnierDistance {
  Vector<T> floor;
  INLINE Vector<T> operator()(Vector<T> d, Vector<T>& slope) const {
    const Vector<T> root = root_of<T>(d * d + floor);
    slope = d / root;
    return root;
  }
};

template <class T>
struct HuberDistance {
  Vector<T> delta;
  INLINE Vector<T> operator()(Vector<T> d, Vector<T>& slope) const {
    slope = d < -delta ? -delta : d > delta ? delta : d;
    return slope * (d - T(0.5) * slope);
  }
};

// Values beyond the limits take the nearest; only what lies between has a derivative. Without an upper limit, an infinite value has one too.
template <class T, class Distance>
struct Clipped {
  Distance distance;
  Vector<T> low, high;
  bool unlimited;
  INLINE Vector<T> operator()(Vector<T> d, Vector<T>& slope) const {
    const Vector<T> value = distance(d, slope);
    const Mask<T> above = value > low;
    slope = keep<T>(slope, unlimited ? above : above & (value < high));
    return value < low ? low : value > high ? high : value;
  }
};

// Calls work(distance) with that of the kind.
template <class T, class Work>
INLINE void with_distance(int32_t kind, T eps, Work work) {
  switch (kind) {
    case kL1: return work(L1Distance<T>{});
    case kL2: return work(L2Distance<T>{});
    case kHuber: return work(HuberDistance<T>{broadcast(eps)});
    default: return work(CharbonnierDistance<T>{broadcast(eps * eps)});
  }
}

// What becomes of weight * derivative: nothing, or it is added to the gradient, or written there, or written past the caches.
enum class Derivative { kUnused, kAdded, kWritten, kStreamed };

template <Derivative USE, class T>
INLINE void use_derivative(T* const* gradient, int64_t at, Vector<T> derivative) {
  if constexpr (USE == Derivative::kAdded) store(*gradient + at, load(*gradient + at) + derivative);
  if constexpr (USE == Derivative::kWritten) store(*gradient + at, derivative);
  if constexpr (USE == Derivative::kStreamed) store_past_caches(*gradient + at, derivative);
}

// Sums of the parts of runs, in double.
struct PixelTotals {
  Vector<double> parts[kPixelParts / Lanes<double>::count] = {};

  template <class T>
  INLINE void add(const Vector<T>* run) {
    constexpr int wide = Lanes<T>::count / Lanes<double>::count;
#pragma GCC unroll 8
    for (int k = 0; k < kPixelParts / Lanes<T>::count; k++) {
      Vector<double> of_run[wide];
      widen_vector(run[k], of_run);
#pragma GCC unroll 2
      for (int j = 0; j < wide; j++) parts[k * wide + j] += of_run[j];
    }
  }

  INLINE double sum() const {
    double sum = 0, each[kPixelParts];
    __builtin_memcpy(each, parts, sizeof each);
    for (int part = 0; part < kPixelParts; part++) sum += each[part];
    return sum;
  }
};

// The sums of distances over `count` pixels at each of some places are added to `totals`. Where there are several places, `count` is a
// multiple of kPixelParts.
template <int PLACES, Derivative USE, class T, class Distance>
INLINE void add_pixels(const T* const* x, const T* const* y, T* const* gradient, int64_t count, Vector<T> weight, const Distance& distance,
                       PixelTotals& totals) {
  constexpr int n = Lanes<T>::count, kVectors = kPixelParts / n;
  for (int64_t i = 0; i < count;) {
    const int64_t end = count - i < kPixelRun ? count : i + kPixelRun;
    Vector<T> parts[PLACES][kVectors] = {};
    for (; i + kPixelParts <= end; i += kPixelParts) {
#pragma GCC unroll 8
      for (int place = 0; place < PLACES; place++) {
        __builtin_prefetch(x[place] + i + kPixelsAhead);
        __builtin_prefetch(y[place] + i + kPixelsAhead);
#pragma GCC unroll 8
        for (int k = 0; k < kVectors; k++) {
          const int64_t at = i + k * n;
          Vector<T> slope;
          parts[place][k] += distance(load(x[place] + at) - load(y[place] + at), slope);
          use_derivative<USE>(gradient + place, at, weight * slope);
        }
      }
    }
    if (PLACES == 1 && i < end) {  // what is left
      const int64_t rest = end - i;
      T of_x[kPixelParts] = {}, of_y[kPixelParts] = {}, of_gradient[kPixelParts] = {}, *const to = of_gradient;
      __builtin_memcpy(of_x, x[0] + i, rest * sizeof(T));
      __builtin_memcpy(of_y, y[0] + i, rest * sizeof(T));
      if (USE == Derivative::kAdded) __builtin_memcpy(of_gradient, gradient[0] + i, rest * sizeof(T));
#pragma GCC unroll 8
      for (int k = 0; k < kVectors; k++) {
        Vector<T> slope;
        const Vector<T> value = distance(load(of_x + k * n) - load(of_y + k * n), slope);
        parts[0][k] += keep<T>(value, first_lanes<T>(rest - k * n));
        use_derivative<USE == Derivative::kStreamed ? Derivative::kWritten : USE>(&to, k * n, weight * slope);
      }
      if (USE != Derivative::kUnused) __builtin_memcpy(gradient[0] + i, of_gradient, rest * sizeof(T));
      i = end;
    }
#pragma GCC unroll 8
    for (int place = 0; place < PLACES; place++) totals.template add<T>(parts[place]);
  }
}

// The sum of distances over a line, and, where there is a gradient, gradient[i] += weight * derivative.
template <class T>
inline double pixel_line(int32_t kind, const T* x, const T* y, T* gradient, int64_t count, T eps, T weight) {
  PixelTotals totals;
  with_distance<T>(kind, eps, [&](const auto& distance) INLINE_LAMBDA {
    if (gradient)
      add_pixels<1, Derivative::kAdded>(&x, &y, &gradient, count, broadcast(weight), distance, totals);
    else
      add_pixels<1, Derivative::kUnused>(&x, &y, &gradient, count, broadcast(weight), distance, totals);
  });
  return totals.sum();
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
