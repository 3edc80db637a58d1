// Weighted sums of an image's channels, such as luma, and means of their blocks of pixels; and the transpose of that.
//
// Block (i, j) begins at pixel (i factor - before, j factor - before). Beyond the border lie its pixels, or zeros, on a scale that begins at
// `low`.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// What a line of working memory holds beyond a row, at both sides.
INLINE int64_t block_margin(const Blocks& job) { return job.factor < 16 ? 16 : job.factor; }
INLINE int64_t block_line(const Blocks& job) { return job.width + 2 * block_margin(job); }
// Lines of it: one and three channels, or two of blocks and a row of the gradient for each channel.
INLINE int64_t block_lines(const Blocks& job) { return job.channels < 2 ? 4 : job.channels + 2; }

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
    const bool all = job.repeated;
    const int64_t from = all || top > 0 ? top : 0, to = all || top + job.factor < job.height ? top + job.factor : job.height;
    for (int64_t k = 0; k < job.rows; k++) {
      const double* weights = job.weights + k * job.channels;
      for (int64_t r = from; r < to; r++) {
        const auto pixels = [&](int64_t c) INLINE_LAMBDA {
          return line_of(job.image, start_of(job.image, n * job.channels + c, job.channels, clamped(r, job.height), 0), w, rooms[c % 3]);
        };
        if (job.channels == 3)
          weigh_three(pixels(0), pixels(1), pixels(2), (T)weights[0], (T)weights[1], (T)weights[2], (T)job.low, w, r == from, line);
        else
          for (int64_t c = 0; c < job.channels; c++) weigh_one(pixels(c), (T)weights[c], (T)job.low, w, r == from && c == 0, line);
      }
      for (int64_t j = 1; job.repeated && j <= margin; j++) {
        line[-j] = line[0];
        line[w + j - 1] = line[w - 1];
      }
      block_sums(line - job.before, job.factor, job.block_columns, weight,
                 (T*)job.blocks.data + start_of(job.blocks, n * job.rows + k, job.rows, i, 0));
    }
  }
}

// The gradient of the image, whose rows lie one behind the other, from that of the blocks. It is the same in all rows of a block, but for
// the pixels at a border that is repeated, which count several times.
template <class T>
void unblock_of(const Blocks& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, room = block_line(job), lines = job.count * job.height;
  T *of_blocks = scratch, *weighed = of_blocks + room, *expanded = weighed + room + block_margin(job);  // the latter for each channel
  const double weight = 1.0 / (double)(job.factor * job.factor);
  for (int64_t c = 0; c < job.channels; c++)
    for (int64_t j = job.block_columns * job.factor; j < w + job.before; j++) expanded[c * room + j] = T(0);
  int64_t held = -1;  // whose blocks are expanded
  for (int64_t at = lines * share / shares; at < lines * (share + 1) / shares; at++) {
    const int64_t n = at / job.height, r = at % job.height, i = (r + job.before) / job.factor;
    const bool reached = i < job.block_rows;
    if (reached && held != n * job.block_rows + i) {
      held = n * job.block_rows + i;
      for (int64_t c = 0; c < job.channels; c++) {
        for (int64_t k = 0; k < job.rows; k++) {
          const T* from = line_of(job.blocks, start_of(job.blocks, n * job.rows + k, job.rows, i, 0), job.block_columns, of_blocks);
          weigh_one(from, (T)(weight * job.weights[k * job.channels + c]), T(0), job.block_columns, k == 0, weighed);
        }
        T* const line = expanded + c * room;
        repeat(weighed, job.factor, job.block_columns, line);
        if (!job.repeated) continue;
        T first = 0, last = 0;
        for (int64_t j = 0; j < job.before; j++) first += line[j];
        for (int64_t j = w + job.before; j < job.block_columns * job.factor; j++) last += line[j];
        line[job.before] += first;
        line[job.before + w - 1] += last;
      }
    }
    // Rows beyond the border, of the same block, that repeat this one.
    const int64_t beyond = job.block_rows * job.factor - job.before - job.height;
    int64_t more = 0;
    if (job.repeated && r == 0) more += job.before;
    if (job.repeated && r == job.height - 1 && beyond > 0) more += beyond;
    for (int64_t c = 0; c < job.channels; c++) {
      T* gradient = (T*)job.image.data + start_of(job.image, n * job.channels + c, job.channels, r, 0);
      if (reached && more)
        weigh_one(expanded + c * room + job.before, (T)(1 + more), T(0), w, true, gradient);
      else if (reached)
        __builtin_memcpy(gradient, expanded + c * room + job.before, w * sizeof(T));
      else
        __builtin_memset(gradient, 0, w * sizeof(T));
    }
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
