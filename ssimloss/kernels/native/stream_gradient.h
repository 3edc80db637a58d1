// The way of a row of the gradient of Stream to the tensor: borders folded back, pixel distances added. Included by stream.h.

#pragma once

#include "stream.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// Rows onto which the border is folded are added to: they begin at 0.
template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::clear_borders(int64_t from, int64_t to) {
  const Similarity& job = *job_;
  const Image* gradients[2] = {&job.grad_x, &job.grad_y};
  for (int64_t row = 0; row < job.height; row++) {
    if (!is_folded_onto(row) || row + job.pad < from || row + job.pad >= to) continue;
    for (int g = 0; g < (job.grad_y.data ? 2 : 1); g++)
      for (int p = 0; p < planes_; p++)
        for (int64_t c = 0; c < job.width; c++) {
          const Image& gradient = *gradients[g];
          ((T*)gradient.data)[start_of(gradient, plane_ + p, job.channels, row, c)] = 0;
        }
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write(int64_t row, const V* lanes, bool of_x) {
  const Similarity& job = *job_;
  const Image& grad = of_x ? job.grad_x : job.grad_y;
  const bool in_place = in_lanes(grad) && end_ - column_ == width_ && !job.pixel && !job.add && !(of_x ? job.coarse_x : job.coarse_y);
  T* segments[kLanes];
  for (int p = planes_; p < places(); p++) cut(line_of(lines_, p), p, segments);
  for (int p = 0; p < planes_; p++) {
    const int64_t start = begin_[of_x ? 2 : 3][p] + (origin_ + row) * grad.stride[2];
    if (in_place && origin_ + row + kGroup < job.height) expect_line<1>(grad, start + kGroup * grad.stride[2], width_);
    cut(in_place ? (T*)grad.data + start : line_of(lines_, p), p, segments);
  }
  from_lanes<T>(segments, lanes, length_);
  if (!in_place) write_lines(row, lines_, of_x);
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write_lines(int64_t row, T* lines, bool of_x) {
  const Similarity& job = *job_;
  const int64_t pad = job.pad, w = job.width;
  int64_t r = origin_ + row - pad;
  const bool inside = r >= 0 && r < job.height;
  bool add = job.add;
  if (job.border == kZeros && !inside) return;
  if (job.border == kReflect || job.border == kReplicate) {
    if (!inside) r = job.border == kReplicate ? clamped(r, job.height) : r < 0 ? -r : 2 * (job.height - 1) - r;
    add |= is_folded_onto(r);
  }
  // Columns of the image, and the columns of the border folded onto them.
  const int64_t first = column_ < pad ? 0 : column_ - pad, end = end_ - pad < w ? end_ - pad : w;
  for (int p = 0; p < planes_; p++) {
    T* line = line_of(lines, p) + pad - start_;  // indexed by the column of the image
    if (job.border == kReflect || job.border == kReplicate) {
      for (int64_t c = column_ - pad; c < 0; c++) line[job.border == kReflect ? -c : 0] += line[c];
      for (int64_t c = w; c < end_ - pad; c++) line[job.border == kReflect ? 2 * (w - 1) - c : w - 1] += line[c];
    }
    if (job.pixel && inside) pixels(plane_ + p, origin_ + row, first + pad, end - first, line + first, of_x ? 1 : -1, of_x);
    write_line(plane_ + p, r, first, end - first, line + first, of_x, add);
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write_line(int64_t plane, int64_t row, int64_t column, int64_t count, T* line, bool of_x, bool add) {
  const Similarity& job = *job_;
  const Image& grad = of_x ? job.grad_x : job.grad_y;
  const void* coarser = of_x ? job.coarse_x : job.coarse_y;
  int64_t coarse_row;
  if (coarser) {
    const int times = times_held(job.to_coarse, row, job.coarse_h, &coarse_row);
    if (times) {
      const T* coarse = (const T*)coarser + (plane * job.coarse_h + coarse_row) * job.coarse_w;
      spread_row<T>(line, column, count, T(1), job.to_coarse, coarse, 0, job.coarse_w, T(0.25) * times);
    }
  }
  if (job.halving && job.fine_scale) {  // the gradient is kept at the finer scale
    const Halving& h = *job.halving;
    const T keep = (T)job.fine_scale[plane];
    const int64_t left = column ? 2 * column - h.before_w : 0;
    const int64_t right = column + count == job.width ? h.fine_w : 2 * (column + count) - h.before_w;
    const int64_t bottom = row + 1 == job.height ? h.fine_h : 2 * row - h.before_h + 2;
    for (int64_t fine = row ? 2 * row - h.before_h : 0; fine < bottom && fine < h.fine_h; fine++) {
      const int times = times_held(h, fine, job.height, &coarse_row);
      T* out = (T*)grad.data + start_of(grad, plane, job.channels, fine, left);
      spread_row<T>(out, left, right - left, keep, h, line, column, job.width, T(0.25) * times);
    }
    return;
  }
  T* __restrict out = (T*)grad.data + start_of(grad, plane, job.channels, row, column);
  if (row + kGroup < job.height) expect_line<1>(grad, start_of(grad, plane, job.channels, row + kGroup, column), count);
  const int64_t step = grad.stride[3];
  if (add)
    for (int64_t i = 0; i < count; i++) out[i * step] += line[i];
  else if (step == 1)
    for (int64_t i = 0; i < count; i++) out[i] = line[i];
  else
    for (int64_t i = 0; i < count; i++) out[i * step] = line[i];
}

// A distance per pixel: its sum, and its derivative added to a piece of the gradient.
template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::pixels(int64_t plane, int64_t row, int64_t column, int64_t count, T* gradient, T sign, bool sum) {
  const Similarity& job = *job_;
  row -= job.pad;
  if (row < 0 || row >= job.height) return;
  if (column < job.pad) {
    count -= job.pad - column;
    column = job.pad;
  }
  if (count > job.width + job.pad - column) count = job.width + job.pad - column;
  if (count <= 0) return;
  T *x = pixel_lines_, *y = pixel_lines_ + kTile + kLanes;
  read_line(job.x, start_of(job.x, plane, job.channels, row, column - job.pad), count, T(0), x);
  read_line(job.y, start_of(job.y, plane, job.channels, row, column - job.pad), count, T(0), y);
  const double total = pixel_line<T>(job.pixel, x, y, gradient, count, (T)job.eps, sign * (T)job.pixel_weight);
  if (sum && job.pixel_sums) job.pixel_sums[plane * job.height + row] += total;
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
