// The sum of squared differences of two images as a program prepares them, in one reading of both, see preparation.h.
//
// The offset of a luma cancels, so that the luma is taken of the differences of the channels. Levels differ by whole numbers, whose squares
// add up without a rounding. Images that are not rounded are compared on the scale of their data range, and the caller divides the sum.

#pragma once

#include "preparation.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kParts = 16;  // pixels at a time, which are added up in as many parts: the same for every instruction set

template <class T>
INLINE Vector<T> inside(Vector<T> v, Vector<T> low, Vector<T> high) {
  v = v < low ? low : v;  // a NaN stays
  return v > high ? high : v;
}

// The difference of pixels in double, clamped to [low, high] before or as they are.
struct OfPixels {
  bool clamp;
  Vector<double> low, high;
  template <class V>
  INLINE void operator()(V x, V y, Vector<double>* out) const {
    constexpr int n = sizeof(x[0]) == sizeof(float) ? 2 : 1;
    Vector<double> wide_x[n], wide_y[n];
    widen_vector(x, wide_x);
    widen_vector(y, wide_y);
    for (int i = 0; i < n; i++) out[i] = clamp ? inside<double>(wide_x[i], low, high) - inside<double>(wide_y[i], low, high) : wide_x[i] - wide_y[i];
  }
};

// Of levels, of pixels scaled to [0, 1]: rounding and clamping commute, and `whole`, which rounds (see kWhole), cancels.
template <class S>
struct OfLevels {
  Vector<S> whole, highest;
  INLINE void operator()(Vector<S> x, Vector<S> y, Vector<double>* out) const {
    widen_vector(inside<S>(x * S(255) + whole, whole, highest) - inside<S>(y * S(255) + whole, whole, highest), out);
  }
};

// Of 8-bit images that are levels as they are.
template <class S>
struct OfStoredLevels {
  INLINE void operator()(Vector<S> x, Vector<S> y, Vector<double>* out) const { widen_vector(x - y, out); }
};

// The sum over a line of squared differences, or, of three lines, of the squared luma of the differences.
template <class S, class Difference, int kLines>
__attribute__((noinline)) double sum_line_squares(const S* const* x, const S* const* y, const double* weights, int64_t count,
                                                  const Difference difference) {
  constexpr int n = Lanes<S>::count, n_sum = Lanes<double>::count;
  Vector<double> parts[kParts / n_sum] = {};
  const auto add = [&](const S* const* x, const S* const* y, int64_t i) INLINE_LAMBDA {
    Vector<double> luma[kParts / n_sum];
#pragma GCC unroll 8
    for (int k = 0; k < kLines; k++) {
      Vector<double> d[kParts / n_sum];
#pragma GCC unroll 8
      for (int j = 0; j < kParts / n; j++) difference(load(x[k] + i + j * n), load(y[k] + i + j * n), d + j * n / n_sum);
#pragma GCC unroll 8
      for (int j = 0; j < kParts / n_sum; j++) {
        if (kLines == 1)
          luma[j] = d[j];
        else
          luma[j] = k ? luma[j] + weights[k] * d[j] : weights[k] * d[j];
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < kParts / n_sum; j++) parts[j] += luma[j] * luma[j];
  };
  int64_t i = 0;
  for (; i + kParts <= count; i += kParts) {
    for (int k = 0; k < kLines; k++) {
      __builtin_prefetch(x[k] + i + kPixelsAhead);
      __builtin_prefetch(y[k] + i + kPixelsAhead);
    }
    add(x, y, i);
  }
  if (i < count) {  // what is left, beside pixels that do not differ
    S rest[2 * kLines][kParts] = {};
    const S *of_x[kLines], *of_y[kLines];
    for (int k = 0; k < kLines; k++) {
      of_x[k] = rest[2 * k];
      of_y[k] = rest[2 * k + 1];
      for (int64_t j = i; j < count; j++) {
        rest[2 * k][j - i] = x[k][j];
        rest[2 * k + 1][j - i] = y[k][j];
      }
    }
    add(of_x, of_y, 0);
  }
  double sum = 0, each[kParts];
  __builtin_memcpy(each, parts, sizeof parts);
  for (int part = 0; part < kParts; part++) sum += each[part];
  return sum;
}

template <class S, class Difference>
void squared_errors_of(const Preparation& job, int share, int shares, double* row_sums, bool scale, const Difference difference) {
  S room[2][3][kStretch];
  const int64_t h = job.height, w = job.width, planes = job.weights ? 1 : job.channels, rows = job.count * planes * h;
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
    const int64_t n = at / (planes * h), c = at / h % planes, row = at % h;
    double sum = 0;
    for (int64_t column = 0; column < w; column += kStretch) {
      const int64_t count = w - column < kStretch ? w - column : kStretch;
      const S* lines[2][3];
      for (int which = 0; which < 2; which++)
        for (int k = 0; k < (job.weights ? 3 : 1); k++) {
          const Image& image = job.images[which];
          const int64_t plane = n * job.channels + (job.weights ? k : c);
          const int64_t start = start_of(image, plane, job.channels, row + job.crop, column + job.crop);
          S* own = room[which][k];
          lines[which][k] = line_of(image, start, count, own);
          if (scale) lines[which][k] = to_unit_range(job, lines[which][k], own, count);
        }
      if (job.weights)
        sum += sum_line_squares<S, Difference, 3>(lines[0], lines[1], job.weights, count, difference);
      else
        sum += sum_line_squares<S, Difference, 1>(lines[0], lines[1], nullptr, count, difference);
    }
    row_sums[at] = sum;
  }
}

template <class S>
void squared_errors_of(const Preparation& job, int share, int shares, double* row_sums) {
  if (!job.quantize) {
    const OfPixels pixels = {job.clamp, broadcast(job.low), broadcast(job.low + job.span)};
    squared_errors_of<S>(job, share, shares, row_sums, false, pixels);
  } else if (job.images[0].dtype == kUInt8 && job.low == 0 && job.span == 255) {
    squared_errors_of<S>(job, share, shares, row_sums, false, OfStoredLevels<S>());
  } else {
    const OfLevels<S> levels = {broadcast(kWhole<S>), broadcast(kWhole<S> + S(255))};
    squared_errors_of<S>(job, share, shares, row_sums, true, levels);
  }
}

void squared_errors(const Preparation& job, int share, int shares, double* row_sums) {
  job.images[0].dtype == kFloat64 ? squared_errors_of<double>(job, share, shares, row_sums) : squared_errors_of<float>(job, share, shares, row_sums);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss

#if !defined(__clang__)
#pragma GCC pop_options
#endif
