// Images as a program prepares them before it compares them, in one pass: cropped, scaled to [0, 1], clamped, rounded to 256 levels, the
// luma taken, the luma rounded.
//
// The numbers are those of conventions/preparation.py to the last bit: images of up to 32 bit are rounded to levels in float, everything
// else is computed in double, and no product is fused with a sum.

#pragma once

#include "rows.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int64_t kStretch = 512;  // pixels of a row at a time
constexpr int64_t kAhead = 4;      // rows that are asked for before they are read: so many lines at once the processor does not follow

template <class S>
INLINE S to_unit(S v) {
  return v < 0 ? S(0) : v > 1 ? S(1) : v;
}

// Around it numbers have no fraction, and to add it is to round.
template <class S>
constexpr S kWhole = sizeof(S) == sizeof(float) ? S(3 << 22) : S(3LL << 51);

// To the nearest whole number, ties to even; of numbers that are not far from a level.
template <class S>
INLINE S to_whole(S v) {
  return (v + kWhole<S>) - kWhole<S>;
}

template <class S>
INLINE S to_level(S v) {
  return to_whole(to_unit(v) * S(255));
}

// From the data range to [0, 1]. Returns the result: `from` itself where there is nothing to do. `from` may be `line`.
template <class S>
INLINE const S* to_unit_range(const Preparation& job, const S* from, S* line, int64_t count) {
  const S low = (S)job.low, span = (S)job.span;
  if (low == 0 && span == 1) return from;
  for (int64_t i = 0; i < count; i++) line[i] = (from[i] - low) / span;
  return line;
}

// To [0, 1], or to whole levels 0 to 255. Where `from` is the line itself, it is scaled in place.
template <class S>
__attribute__((noinline)) void scale_line(const Preparation& job, const S* from, S* line, int64_t count) {
  from = to_unit_range(job, from, line, count);
  if (job.quantize)
    for (int64_t i = 0; i < count; i++) line[i] = to_level(from[i]);
  else if (job.clamp)
    for (int64_t i = 0; i < count; i++) line[i] = to_unit(from[i]);
  else if (from != line)
    for (int64_t i = 0; i < count; i++) line[i] = from[i];
}

template <class S, class O>
__attribute__((noinline)) void weigh_lines(const double* weights, const S* __restrict r, const S* __restrict g, const S* __restrict b, int64_t count,
                                           O* __restrict out) {
  const double of_r = weights[0], of_g = weights[1], of_b = weights[2], offset = weights[3];
  for (int64_t i = 0; i < count; i++) out[i] = (O)(((of_r * (double)r[i] + of_g * (double)g[i]) + of_b * (double)b[i]) + offset);
}

template <class S, class O>
__attribute__((noinline)) void unit_line(bool levels, const S* __restrict line, int64_t count, O* __restrict out) {
  if (levels)
    for (int64_t i = 0; i < count; i++) out[i] = (O)((double)line[i] / 255);
  else
    for (int64_t i = 0; i < count; i++) out[i] = (O)line[i];
}

template <class O>
void store_rounded(const double* line, int64_t count, O* out) {
  for (int64_t i = 0; i < count; i++) out[i] = (O)(__builtin_rint(line[i] * 255) / 255);
}

template <class S, class O>
void prepare_of(const Preparation& job, int share, int shares) {
  S lines[3][kStretch];
  double unrounded[kStretch];
  const int64_t h = job.height, w = job.width, planes = job.weights ? 1 : job.channels, rows = job.count * planes * h;
  // Both images of a row one after the other: what compares them cuts its work by rows too.
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++)
    for (int which = 0; which < 2; which++) {
      const Image& image = job.images[which];
      const int64_t n = at / (planes * h), c = at / h % planes, row = at % h;
      for (int64_t column = 0; column < w; column += kStretch) {
        const int64_t count = w - column < kStretch ? w - column : kStretch;
        for (int k = 0; k < (job.weights ? 3 : 1); k++) {
          const int64_t plane = n * job.channels + (job.weights ? k : c);
          const int64_t start = start_of(image, plane, job.channels, row + job.crop, column + job.crop);
          if (row + kAhead < h) expect_line(image, start + kAhead * image.stride[2], count);
          scale_line(job, line_of(image, start, count, lines[k]), lines[k], count);
        }
        O* out = (O*)job.out[which] + at * w + column;
        if (job.round) {
          if (job.weights)
            weigh_lines(job.weights, lines[0], lines[1], lines[2], count, unrounded);
          else
            unit_line(job.quantize, lines[0], count, unrounded);
          store_rounded(unrounded, count, out);
        } else if (job.weights) {
          weigh_lines(job.weights, lines[0], lines[1], lines[2], count, out);
        } else {
          unit_line(job.quantize, lines[0], count, out);
        }
      }
    }
}

void prepare(const Preparation& job, int share, int shares) {
  const bool in_double = !job.quantize || job.images[0].dtype == kFloat64;
  if (in_double)
    job.to_double ? prepare_of<double, double>(job, share, shares) : prepare_of<double, float>(job, share, shares);
  else
    job.to_double ? prepare_of<float, double>(job, share, shares) : prepare_of<float, float>(job, share, shares);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss

#if !defined(__clang__)
#pragma GCC pop_options
#endif
