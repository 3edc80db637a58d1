// Images filtered and every second sample of them taken, and the transpose of that: how VIF comes from one scale to the next. And what a
// filtered image changed from another one.
//
// Output (i, j) is the mean under the window that begins at (2 i, 2 j) of the image with `pad` pixels mirrored at each side, without the edge.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kMostTaps = 9;  // of the windows between scales

INLINE int64_t mirrored(int64_t i, int64_t size) { return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i; }

// What a line of working memory holds beyond a row: a window at both sides, and some room.
constexpr int64_t kMargin = 32;

template <class T>
struct Taps {
  T of[kMostTaps];
  int count;
  Taps(const double* window, int taps) : count(taps) {
    for (int k = 0; k < taps; k++) of[k] = (T)window[k];
  }
  int half() const { return count / 2; }
};

// A row of a plane: where it lies, or in `room`.
template <class T>
INLINE const T* row_of(const Image& image, int64_t plane, int64_t row, int64_t width, T* room) {
  return line_of(image, image.stride[0] * plane + image.stride[2] * row, width, room);
}

// to[j] (+)= weight * ((a[j] - shift) + (b[j] - shift))
template <class T>
__attribute__((noinline)) void add_pair(const T* __restrict a, const T* __restrict b, T shift, T weight, int64_t count, bool first, T* __restrict to) {
  if (first)
    for (int64_t j = 0; j < count; j++) to[j] = weight * ((a[j] - shift) + (b[j] - shift));
  else
    for (int64_t j = 0; j < count; j++) to[j] += weight * ((a[j] - shift) + (b[j] - shift));
}

// even[m] = line[2 m], odd[m] = line[2 m + 1]
template <class T>
__attribute__((noinline)) void part(const T* __restrict line, int64_t count, T* __restrict even, T* __restrict odd) {
  for (int64_t m = 0; m < count; m++) {
    even[m] = line[2 * m];
    odd[m] = line[2 * m + 1];
  }
}

template <class T>
__attribute__((noinline)) void interleave(const T* __restrict even, const T* __restrict odd, int64_t count, T* __restrict line) {
  for (int64_t m = 0; m < count; m++) {
    line[2 * m] = even[m];
    line[2 * m + 1] = odd[m];
  }
}

// to[j] (+)= weight * from[j]
template <class T>
__attribute__((noinline)) void add_line(const T* __restrict from, T weight, int64_t count, bool first, T* __restrict to) {
  if (first)
    for (int64_t j = 0; j < count; j++) to[j] = weight * from[j];
  else
    for (int64_t j = 0; j < count; j++) to[j] += weight * from[j];
}

template <class T>
void decimate_of(const Decimation& job, int share, int shares, T* scratch) {
  const Taps<T> taps(job.window, job.taps);
  const int half = taps.half(), pad = job.pad;
  const int64_t h = job.height, w = job.width, out_h = job.out_height, out_w = job.out_width, room = w + 2 * kMargin;
  T *first = scratch, *second = first + room, *line = second + room + kMargin, *even = line + room, *odd = even + room;
  const int64_t rows = job.planes * out_h;
  for (int64_t at = 2 * rows * share / shares; at < 2 * rows * (share + 1) / shares; at++) {
    const int which = at >= rows;
    const int64_t within = at - which * rows, plane = within / out_h, i = within % out_h;
    const Image& image = job.images[which];
    const T shift = job.stored ? T(0) : ((const T*)job.centres[which])[plane];
    for (int k = 0; k <= half; k++) {
      const T* above = row_of(image, plane, mirrored(2 * i + k - pad, h), w, first);
      const T* below = row_of(image, plane, mirrored(2 * i + taps.count - 1 - k - pad, h), w, second);
      add_pair(above, below, shift, k == half ? taps.of[k] / 2 : taps.of[k], w, k == 0, line);
    }
    for (int k = 1; k <= pad; k++) {
      line[-k] = line[mirrored(-k, w)];
      line[w - 1 + k] = line[mirrored(w - 1 + k, w)];
    }
    part(line - pad, out_w + half, even, odd);
    T* out = (T*)job.out[which] + within * out_w;
    for (int k = 0; k < taps.count; k++) add_line((k % 2 ? odd : even) + k / 2, taps.of[k], out_w, k == 0, out);
  }
}

// grad (+)= the transpose, of the gradient `coarse` of the output.
template <class T>
void undecimate_of(const Undecimation& job, int share, int shares, T* scratch) {
  const Taps<T> taps(job.window, job.taps);
  const int half = taps.half(), pad = job.pad;
  const int64_t h = job.height, w = job.width, out_h = job.out_height, out_w = job.out_width, room = w + 2 * kMargin;
  T *coarse = scratch + kMargin, *even = coarse + room, *odd = even + room, *line = odd + room + kMargin;
  const int64_t rows = job.planes * h;
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
    const int64_t plane = at / h, r = at % h;
    const T* from = (const T*)job.coarse + plane * out_h * out_w;
    // Rows of the bordered image that show this one.
    int64_t shown[3] = {r, 0, 0};
    int count = 1;
    if (r >= 1 && r <= pad) shown[count++] = -r;
    if (r <= h - 2 && r >= h - 1 - pad) shown[count++] = 2 * (h - 1) - r;
    bool any = false;
    for (int s = 0; s < count; s++)
      for (int k = 0; k < taps.count; k++) {
        const int64_t twice = shown[s] + pad - k;
        if (twice < 0 || twice % 2 || twice / 2 >= out_h) continue;
        add_line(from + twice / 2 * out_w, taps.of[k], out_w, !any, coarse);
        any = true;
      }
    if (!any) continue;
    for (int64_t j = 0; j <= half; j++) coarse[-1 - j] = coarse[out_w + j] = T(0);
    // Column p of the bordered row is 2 j + k: even ones are met by even k.
    const int64_t pairs = (w + 2 * pad + 1) / 2;
    bool first[2] = {true, true};
    // Beyond the last output nothing is added: those columns are zero there, half of the window further.
    for (int64_t j = out_w; j < pairs; j++) coarse[j] = T(0);
    for (int k = 0; k < taps.count; k++) {
      add_line(coarse - k / 2, taps.of[k], pairs, first[k % 2], k % 2 ? odd : even);
      first[k % 2] = false;
    }
    interleave(even, odd, pairs, line);
    T* row = line + pad;
    for (int k = 1; k <= pad; k++) {
      row[mirrored(-k, w)] += row[-k];
      row[mirrored(w - 1 + k, w)] += row[w - 1 + k];
    }
    T* out = (T*)job.gradient.data + start_of(job.gradient, plane, job.channels, r, 0);
    const int64_t step = job.gradient.stride[3];
    if (step == 1)
      add_line(row, T(1), w, false, out);
    else
      for (int64_t c = 0; c < w; c++) out[c * step] += row[c];
  }
}

// to[j] (+)= weight * ((a[j] - b[j]) + (c[j] - d[j]))
template <class T>
__attribute__((noinline)) void add_differences(const T* __restrict a, const T* __restrict b, const T* __restrict c, const T* __restrict d, T weight,
                                               int64_t count, bool first, T* __restrict to) {
  if (first)
    for (int64_t j = 0; j < count; j++) to[j] = weight * ((a[j] - b[j]) + (c[j] - d[j]));
  else
    for (int64_t j = 0; j < count; j++) to[j] += weight * ((a[j] - b[j]) + (c[j] - d[j]));
}

// The sum of magnitudes, in the order of 16 parts.
template <class T>
__attribute__((noinline)) double sum_magnitudes(const T* __restrict line, int64_t count) {
  constexpr int kParts = 16;
  T parts[kParts] = {};
  int64_t j = 0;
  for (; j + kParts <= count; j += kParts)
    for (int k = 0; k < kParts; k++) parts[k] += line[j + k] < 0 ? -line[j + k] : line[j + k];
  for (; j < count; j++) parts[0] += line[j] < 0 ? -line[j] : line[j];
  double sum = 0;
  for (int k = 0; k < kParts; k++) sum += parts[k];
  return sum;
}

template <class T>
void change_of(const Change& job, int share, int shares, T* scratch) {
  const Taps<T> taps(job.window, job.taps);
  const int half = taps.half();
  const int64_t h = job.height, w = job.width, room = w + 2 * kMargin;
  T *rooms[4], *line = scratch + kMargin, *out = line + room;
  for (int k = 0; k < 4; k++) rooms[k] = out + (k + 1) * room;
  const int64_t rows = job.planes * h;
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
    const int64_t plane = at / h, row = at % h;
    for (int k = 0; k <= half; k++) {
      const int64_t above = mirrored(row + k - half, h), below = mirrored(row + half - k, h);
      add_differences(row_of(job.x, plane, above, w, rooms[0]), row_of(job.y, plane, above, w, rooms[1]), row_of(job.x, plane, below, w, rooms[2]),
                      row_of(job.y, plane, below, w, rooms[3]), k == half ? taps.of[k] / 2 : taps.of[k], w, k == 0, line);
    }
    for (int k = 1; k <= half; k++) {
      line[-k] = line[mirrored(-k, w)];
      line[w - 1 + k] = line[mirrored(w - 1 + k, w)];
    }
    for (int k = 0; k < taps.count; k++) add_line(line + k - half, taps.of[k], w, k == 0, out);
    job.row_sums[at] = sum_magnitudes(out, w);
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
