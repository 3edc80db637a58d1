// Distances per pixel and their derivatives: L1, L2, Charbonnier, Huber, and the first three clipped.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPixelParts = 16;

// Where there is a gradient: gradient[i] (+)= weight * derivative. The sum of the distances is added up in the order of the pixels in 16
// parts, which are added to `totals`.
template <class T, class Distance>
INLINE void add_line(const T* __restrict x, const T* __restrict y, T* __restrict gradient, int64_t count, T weight, bool add, Distance distance,
                     double* __restrict totals) {
  T parts[kPixelParts] = {};
  int64_t i = 0;
#define PIXELS(assign)                                                 \
  {                                                                    \
    for (; i + kPixelParts <= count; i += kPixelParts)                           \
      for (int part = 0; part < kPixelParts; part++) {                      \
        T slope;                                                       \
        parts[part] += distance(x[i + part] - y[i + part], slope);     \
        assign(i + part);                                              \
      }                                                                \
    for (; i < count; i++) {                                           \
      T slope;                                                         \
      parts[0] += distance(x[i] - y[i], slope);                        \
      assign(i);                                                       \
    }                                                                  \
  }
#define NOTHING(at) (void)slope
#define ADD(at) gradient[at] += weight * slope
#define SET(at) gradient[at] = weight * slope
  if (!gradient)
    PIXELS(NOTHING)
  else if (add)
    PIXELS(ADD)
  else
    PIXELS(SET)
#undef PIXELS
#undef NOTHING
#undef ADD
#undef SET
  for (int part = 0; part < kPixelParts; part++) totals[part] += parts[part];
}

INLINE double sum_of_parts(const double* totals) {
  double sum = 0;
  for (int part = 0; part < kPixelParts; part++) sum += totals[part];
  return sum;
}

template <class T>
struct L1Distance {
  INLINE T operator()(T d, T& slope) const {
    slope = d > 0 ? T(1) : d < 0 ? T(-1) : d;  // 0 of 0, and NaN of NaN
    return d < 0 ? -d : d;
  }
};

template <class T>
struct L2Distance {
  INLINE T operator()(T d, T& slope) const {
    slope = 2 * d;
    return d * d;
  }
};

template <class T>
struct CharbonnierDistance {
  T floor;
  INLINE T operator()(T d, T& slope) const {
    const T root = square_root(d * d + floor);
    slope = d / root;
    return root;
  }
};

template <class T>
struct HuberDistance {
  T delta;
  INLINE T operator()(T d, T& slope) const {
    slope = d < -delta ? -delta : d > delta ? delta : d;
    return slope * (d - slope / 2);
  }
};

// Values beyond the limits take the nearest; only what lies between has a derivative. Without an upper limit, an infinite value has one too.
template <class T, class Distance>
struct Clipped {
  Distance distance;
  T low, high;
  bool unlimited;
  INLINE T operator()(T d, T& slope) const {
    const T value = distance(d, slope);
    slope = (value > low) & ((value < high) | unlimited) ? slope : T(0);
    return value < low ? low : value > high ? high : value;
  }
};

// Calls work(distance) with that of the kind.
template <class T, class Work>
INLINE void with_distance(int32_t kind, T eps, Work work) {
  switch (kind) {
    case kL1: return work(L1Distance<T>{});
    case kL2: return work(L2Distance<T>{});
    default: return work(CharbonnierDistance<T>{eps * eps});
  }
}

template <class T>
inline double pixel_line(int32_t kind, const T* x, const T* y, T* gradient, int64_t count, T eps, T weight, bool add) {
  double totals[kPixelParts] = {};
  with_distance<T>(kind, eps, [&](auto distance) INLINE_LAMBDA { add_line(x, y, gradient, count, weight, add, distance, totals); });
  return sum_of_parts(totals);
}

template <class T>
inline void line_of_means(const PixelMeans& job, const T* x, const T* y, T* gradient, int64_t count, T weight, double* totals) {
  const T eps = (T)job.eps, low = (T)job.low, high = (T)job.high;
  if (job.pixel == kHuber) return add_line(x, y, gradient, count, weight, false, HuberDistance<T>{eps}, totals);
  const bool unlimited = job.high == __builtin_inf();
  with_distance<T>(job.pixel, eps, [&](auto distance) INLINE_LAMBDA {
    if (job.clipped)
      add_line(x, y, gradient, count, weight, false, Clipped<T, decltype(distance)>{distance, low, high, unlimited}, totals);
    else
      add_line(x, y, gradient, count, weight, false, distance, totals);
  });
}

// Blocks of an image's pixels in the order of its planes, rows and columns, one line of a row at most.
template <class T>
void pixel_means(const PixelMeans& job, int share, int shares) {
  constexpr int64_t kLine = 2048;
  T x[kLine], y[kLine], line[kLine];
  const int64_t c = job.shape[1], h = job.shape[2], w = job.shape[3], rows = c * h;
  const int64_t total = job.shape[0] * job.blocks;
  const double weight = 1 / ((double)c * (double)h * (double)w);
  for (int64_t block = total * share / shares; block < total * (share + 1) / shares; block++) {
    const int64_t n = block / job.blocks, b = block % job.blocks;
    double totals[kPixelParts] = {};
    for (int64_t row = rows * b / job.blocks; row < rows * (b + 1) / job.blocks; row++)
      for (int64_t column = 0; column < w; column += kLine) {
        const int64_t count = w - column < kLine ? w - column : kLine, plane = n * c + row / h;
        const int64_t of_x = start_of(job.x, plane, c, row % h, column), of_y = start_of(job.y, plane, c, row % h, column);
        const T *from_x = line_of(job.x, of_x, count, x), *from_y = line_of(job.y, of_y, count, y);
        T* gradient = nullptr;
        if (job.grad.data) gradient = job.grad.stride[3] == 1 ? (T*)job.grad.data + start_of(job.grad, plane, c, row % h, column) : line;
        line_of_means<T>(job, from_x, from_y, gradient, count, (T)weight, totals);
        if (gradient == line)
          for (int64_t i = 0; i < count; i++) ((T*)job.grad.data)[start_of(job.grad, plane, c, row % h, column + i)] = line[i];
      }
    job.sums[block] = sum_of_parts(totals);
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
