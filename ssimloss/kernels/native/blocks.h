// Weighted sums of an image's channels, such as luma, and means of their blocks of pixels; and the transpose of that.
//
// Block (i, j) begins at pixel (i factor - before, j factor - before). Zeros lie beyond the border, on a scale that begins at `low`.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// What a line of working memory holds beyond a row, at both sides.
INLINE int64_t block_margin(const Blocks& job) { return job.factor < 16 ? 16 : job.factor; }
INLINE int64_t block_line(const Blocks& job) { return job.width + 2 * block_margin(job); }
// Lines of it: one and three channels, or the blocks and what each row of weights is expanded to.
INLINE int64_t block_lines(const Blocks& job) { return job.rows < 3 ? 4 : job.rows + 1; }

// to[j] (+)= p (a[j] - low) + q (b[j] - low) + r (c[j] - low). What the scale begins at goes first: afterwards, digits would be lost.
template <class T>
__attribute__((noinline)) void weigh_three(const T* __restrict a, const T* __restrict b, const T* __restrict c, T p, T q, T r, T low, int64_t count,
                                           bool first, T* __restrict to) {
  if (first)
    for (int64_t j = 0; j < count; j++) to[j] = p * (a[j] - low) + q * (b[j] - low) + r * (c[j] - low);
  else
    for (int64_t j = 0; j < count; j++) to[j] += p * (a[j] - low) + q * (b[j] - low) + r * (c[j] - low);
}

// to[j] (+)= p (a[j] - low)
template <class T>
__attribute__((noinline)) void weigh_one(const T* __restrict a, T p, T low, int64_t count, bool first, T* __restrict to) {
  if (first)
    for (int64_t j = 0; j < count; j++) to[j] = p * (a[j] - low);
  else
    for (int64_t j = 0; j < count; j++) to[j] += p * (a[j] - low);
}

template <class T>
__attribute__((noinline)) void block_sums(const T* __restrict line, int64_t factor, int64_t count, T weight, T* __restrict out) {
  if (factor == 1)
    for (int64_t j = 0; j < count; j++) out[j] = weight * line[j];
  else if (factor == 2)
    for (int64_t j = 0; j < count; j++) out[j] = weight * (line[2 * j] + line[2 * j + 1]);
  else
    for (int64_t j = 0; j < count; j++) {
      T sum = 0;
      for (int64_t k = 0; k < factor; k++) sum += line[j * factor + k];
      out[j] = weight * sum;
    }
}

template <class T>
__attribute__((noinline)) void repeat(const T* __restrict from, int64_t factor, int64_t count, T* __restrict line) {
  if (factor == 1)
    for (int64_t j = 0; j < count; j++) line[j] = from[j];
  else if (factor == 2)
    for (int64_t j = 0; j < count; j++) line[2 * j] = line[2 * j + 1] = from[j];
  else
    for (int64_t j = 0; j < count; j++)
      for (int64_t k = 0; k < factor; k++) line[j * factor + k] = from[j];
}

template <class T>
void block_means_of(const Blocks& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, room = block_line(job), lines = job.count * job.block_rows, margin = block_margin(job);
  T *line = scratch + margin, *rooms[3];
  for (int k = 0; k < 3; k++) rooms[k] = line + (k + 1) * room;
  for (int64_t j = 1; j <= margin; j++) line[-j] = line[w + j - 1] = T(0);
  const T weight = (T)(1.0 / (double)(job.factor * job.factor));
  for (int64_t at = lines * share / shares; at < lines * (share + 1) / shares; at++) {
    const int64_t n = at / job.block_rows, i = at % job.block_rows, top = i * job.factor - job.before;
    const int64_t from = top < 0 ? 0 : top, to = top + job.factor < job.height ? top + job.factor : job.height;
    for (int64_t k = 0; k < job.rows; k++) {
      const double* weights = job.weights + k * job.channels;
      for (int64_t r = from; r < to; r++) {
        const auto pixels = [&](int64_t c) INLINE_LAMBDA {
          return line_of(job.image, start_of(job.image, n * job.channels + c, job.channels, r, 0), w, rooms[c % 3]);
        };
        if (job.channels == 3)
          weigh_three(pixels(0), pixels(1), pixels(2), (T)weights[0], (T)weights[1], (T)weights[2], (T)job.low, w, r == from, line);
        else
          for (int64_t c = 0; c < job.channels; c++) weigh_one(pixels(c), (T)weights[c], (T)job.low, w, r == from && c == 0, line);
      }
      block_sums(line - job.before, job.factor, job.block_columns, weight,
                 (T*)job.blocks.data + start_of(job.blocks, n * job.rows + k, job.rows, i, 0));
    }
  }
}

// The gradient of the image, whose rows lie one behind the other, from that of the blocks.
template <class T>
void unblock_of(const Blocks& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, room = block_line(job), lines = job.count * job.height;
  T *of_blocks = scratch, *expanded = of_blocks + room + block_margin(job);  // the latter for each of the rows
  const double weight = 1.0 / (double)(job.factor * job.factor);
  int64_t held = -1;  // whose blocks are expanded
  for (int64_t at = lines * share / shares; at < lines * (share + 1) / shares; at++) {
    const int64_t n = at / job.height, r = at % job.height, i = (r + job.before) / job.factor;
    const bool reached = i < job.block_rows;
    if (reached && held != n * job.block_rows + i) {
      held = n * job.block_rows + i;
      for (int64_t k = 0; k < job.rows; k++) {
        T* line = expanded + k * room;
        const T* from = line_of(job.blocks, start_of(job.blocks, n * job.rows + k, job.rows, i, 0), job.block_columns, of_blocks);
        repeat(from, job.factor, job.block_columns, line);
        for (int64_t j = job.block_columns * job.factor; j < w + job.before; j++) line[j] = T(0);
      }
    }
    for (int64_t c = 0; c < job.channels; c++) {
      T* gradient = (T*)job.image.data + start_of(job.image, n * job.channels + c, job.channels, r, 0);
      if (!reached)
        for (int64_t j = 0; j < w; j++) gradient[j] = T(0);
      for (int64_t k = 0; reached && k < job.rows; k++)
        weigh_one(expanded + k * room + job.before, (T)(weight * job.weights[k * job.channels + c]), T(0), w, k == 0, gradient);
    }
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
