// The magnitude |Gx| + |Gy| of the Sobel operator with a replicated border, and its transpose: what G-SSIM compares.
//
// Differences are taken before they are smoothed, as in image_gradients.py. Where a slope is 0, that of its absolute value is the sign of the
// other image's slope.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int64_t kEdgeLines = 3 + 4 + 2 + 12;
INLINE int64_t edge_line(int64_t width) { return width + 32; }
INLINE int64_t edges_room(const Edges& job) { return kEdgeLines * edge_line(job.width); }

// across[j] = Gx, down[j] = Gy of row `row`. The three lines have room for a pixel before them.
template <class T>
INLINE void slopes_of(const Image& image, const Edges& job, int64_t plane, int64_t row, T* const* lines, T* __restrict across, T* __restrict down) {
  const int64_t w = job.width;
  for (int k = 0; k < 3; k++) {
    T* line = lines[k];
    read_line(image, start_of(image, plane, job.channels, clamped(row + k - 1, job.height), 0), w, (T)job.low, line);
    line[-1] = line[0];
    line[w] = line[w - 1];
  }
  const T *a = lines[0], *b = lines[1], *c = lines[2];
  for (int64_t j = 0; j < w; j++) {
    across[j] = ((a[j + 1] - a[j - 1]) + (c[j + 1] - c[j - 1])) + 2 * (b[j + 1] - b[j - 1]);
    down[j] = ((c[j - 1] - a[j - 1]) + (c[j + 1] - a[j + 1])) + 2 * (c[j] - a[j]);
  }
}

// of * sign(d), of * sign(towards) where d is 0; NaN of NaN.
template <class T>
INLINE T signed_as(T of, T d, T towards) {
  const T s = d == 0 ? towards : d;
  return s > 0 ? of : s < 0 ? -of : of * s;
}

// to[j] (+)= factor * from[j]
template <class T>
INLINE void add_scaled(const T* __restrict from, T factor, int64_t count, T* __restrict to) {
  for (int64_t j = 0; j < count; j++) to[j] += factor * from[j];
}

template <class T>
void edges_of(const Edges& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, h = job.height, room = edge_line(w), rows = job.planes * h;
  T *lines[kEdgeLines], *slopes[4];  // slopes: Gx and Gy of x, then of y
  for (int64_t k = 0; k < kEdgeLines; k++) lines[k] = scratch + k * room + 16;
  for (int k = 0; k < 4; k++) slopes[k] = lines[3 + k];
  T *weighed = lines[7], *total = lines[8];
  // Of the last three rows, the transposes along the row: of Gx and Gy, for x and y.
  const auto spread = [&](int which, int64_t row, int of) INLINE_LAMBDA { return lines[9 + (which * 3 + row % 3) * 2 + of]; };
  const T* of[2] = {(const T*)job.of_x, (const T*)job.of_y};
  int64_t done = -1;  // the last row, of all planes, whose transposes are made
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
    const int64_t plane = at / h, row = at % h;
    if (!job.grad_x.data) {
      for (int which = 0; which < 2; which++) {
        slopes_of(which ? job.y : job.x, job, plane, row, lines, slopes[0], slopes[1]);
        T* __restrict out = (T*)(which ? job.of_y : job.of_x) + at * w;
        for (int64_t j = 0; j < w; j++) out[j] = magnitude(slopes[0][j]) + magnitude(slopes[1][j]);
      }
      continue;
    }
    const int images = job.grad_y.data ? 2 : 1;
    const int64_t first = row > 0 ? row - 1 : 0, last = row + 1 < h ? row + 1 : h - 1;
    for (int64_t r = first; r <= last; r++) {
      if (plane * h + r <= done) continue;
      done = plane * h + r;
      slopes_of(job.x, job, plane, r, lines, slopes[0], slopes[1]);
      slopes_of(job.y, job, plane, r, lines, slopes[2], slopes[3]);
      for (int which = 0; which < images; which++) {
        const T* upstream = of[which] + (plane * h + r) * w;
        for (int k = 0; k < 2; k++) {
          const T *own = slopes[2 * which + k], *other = slopes[2 - 2 * which + k];
          T* __restrict out = spread(which, r, k);
          for (int64_t j = 0; j < w; j++) weighed[j] = signed_as(upstream[j], own[j], other[j]);
          const T sign = k ? T(1) : T(-1);  // beyond the border lie the pixels of the border again
          weighed[-1] = sign * weighed[0];
          weighed[w] = sign * weighed[w - 1];
          if (k == 0)
            for (int64_t j = 0; j < w; j++) out[j] = weighed[j - 1] - weighed[j + 1];
          else
            for (int64_t j = 0; j < w; j++) out[j] = weighed[j - 1] + 2 * weighed[j] + weighed[j + 1];
        }
      }
    }
    for (int which = 0; which < images; which++) {
      for (int64_t j = 0; j < w; j++) total[j] = 0;
      for (int64_t r = first; r <= last; r++) {
        const int above = clamped(r - 1, h) == row, here = r == row, below = clamped(r + 1, h) == row;
        add_scaled(spread(which, r, 0), T(above + 2 * here + below), w, total);
        if (above != below) add_scaled(spread(which, r, 1), T(below - above), w, total);
      }
      const Image& gradient = which ? job.grad_y : job.grad_x;
      T* out = (T*)gradient.data + start_of(gradient, plane, job.channels, row, 0);
      const int64_t step = gradient.stride[3];
      for (int64_t j = 0; j < w; j++) out[j * step] += total[j];
    }
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
