// Images interpolated bilinearly at positions that a flow moves, and the gradients of images and flow. Beyond the border, that is repeated.
//
// Each row of the gradient of a flow and each plane of that of the images is written by one thread, in the order of the pixels.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class T>
INLINE T between(T from, T to, T share) {  // exact at both ends, as torch.lerp
  return share < T(0.5) ? from + share * (to - from) : to - (to - from) * (1 - share);
}

// The neighbours along one axis of positions in a line, and the share of the second. NaN has the share NaN, and no derivative, nor has the border.
template <class T>
struct Neighbours {
  static constexpr int64_t kLine = 256;
  int64_t before[kLine], behind[kLine];
  T share[kLine];
  bool moves[kLine];

  INLINE void find(const T* position, int64_t count, int64_t side) {
    const T last = (T)(side - 1), second_last = (T)(side - 2 > 0 ? side - 2 : 0);
    for (int64_t i = 0; i < count; i++) {
      const T at = position[i] < 0 ? T(0) : position[i] > last ? last : position[i];
      const T known = at == at ? at : T(0);
      const T whole = known < second_last ? (T)(int64_t)known : second_last;
      before[i] = (int64_t)whole;
      behind[i] = before[i] + 1 < side ? before[i] + 1 : side - 1;
      share[i] = at - whole;
      moves[i] = position[i] > 0 && position[i] < last;
    }
  }
};

template <class T>
struct Warped {
  static constexpr int64_t kLine = Neighbours<T>::kLine;
  const Warp& job;
  Neighbours<T> x, y;
  T line[kLine];

  explicit INLINE Warped(const Warp& job) : job(job) {}

  INLINE int64_t count_from(int64_t column) const { return job.shape[3] - column < kLine ? job.shape[3] - column : kLine; }

  INLINE void find(int64_t n, int64_t row, int64_t column, int64_t count) {
    read_line(job.flow, start_of(job.flow, 2 * n, 2, row, column), count, T(0), line);
    for (int64_t i = 0; i < count; i++) line[i] = (T)(column + i) + line[i];
    x.find(line, count, job.shape[3]);
    read_line(job.flow, start_of(job.flow, 2 * n + 1, 2, row, column), count, T(0), line);
    for (int64_t i = 0; i < count; i++) line[i] = (T)row + line[i];
    y.find(line, count, job.shape[2]);
  }

  // The four pixels around position i of a plane.
  INLINE void corners(const T* plane, int64_t i, T* found) const {
    const T *above = plane + y.before[i] * job.image.stride[2], *below = plane + y.behind[i] * job.image.stride[2];
    const int64_t left = x.before[i] * job.image.stride[3], right = x.behind[i] * job.image.stride[3];
    found[0] = above[left];
    found[1] = above[right];
    found[2] = below[left];
    found[3] = below[right];
  }
  INLINE const T* plane_of(int64_t n, int64_t c) const {
    return (const T*)job.image.data + start_of(job.image, n * job.shape[1] + c, job.shape[1], 0, 0);
  }
  INLINE const T* upstream_of(int64_t n, int64_t c, int64_t row, int64_t column, int64_t count) {
    return line_of(job.upstream, start_of(job.upstream, n * job.shape[1] + c, job.shape[1], row, column), count, line);
  }

  void forward(int64_t n, int64_t row) {
    const int64_t channels = job.shape[1];
    for (int64_t column = 0; column < job.shape[3]; column += kLine) {
      const int64_t count = count_from(column);
      find(n, row, column, count);
      for (int64_t c = 0; c < channels; c++) {
        const T* plane = plane_of(n, c);
        T* out = (T*)job.out.data + start_of(job.out, n * channels + c, channels, row, column);
        for (int64_t i = 0; i < count; i++) {
          T at[4];
          corners(plane, i, at);
          out[i] = between(between(at[0], at[1], x.share[i]), between(at[2], at[3], x.share[i]), y.share[i]);
        }
      }
    }
  }

  void to_flow(int64_t n, int64_t row) {
    T across[kLine], down[kLine];
    for (int64_t column = 0; column < job.shape[3]; column += kLine) {
      const int64_t count = count_from(column);
      find(n, row, column, count);
      for (int64_t i = 0; i < count; i++) across[i] = down[i] = T(0);
      for (int64_t c = 0; c < job.shape[1]; c++) {
        const T *plane = plane_of(n, c), *upstream = upstream_of(n, c, row, column, count);
        for (int64_t i = 0; i < count; i++) {
          T at[4];
          corners(plane, i, at);
          const T upper = between(at[0], at[1], x.share[i]), lower = between(at[2], at[3], x.share[i]);
          across[i] += upstream[i] * between(at[1] - at[0], at[3] - at[2], y.share[i]);
          down[i] += upstream[i] * (lower - upper);
        }
      }
      T* to_across = (T*)job.grad_flow.data + start_of(job.grad_flow, 2 * n, 2, row, column);
      T* to_down = (T*)job.grad_flow.data + start_of(job.grad_flow, 2 * n + 1, 2, row, column);
      for (int64_t i = 0; i < count; i++) {
        to_across[i] = x.moves[i] ? across[i] : T(0);
        to_down[i] = y.moves[i] ? down[i] : T(0);
      }
    }
  }

  void to_image(int64_t n, int64_t c) {
    const int64_t h = job.shape[2], w = job.shape[3];
    T* plane = (T*)job.grad_image.data + start_of(job.grad_image, n * job.shape[1] + c, job.shape[1], 0, 0);
    for (int64_t i = 0; i < h * w; i++) plane[i] = T(0);
    for (int64_t row = 0; row < h; row++)
      for (int64_t column = 0; column < w; column += kLine) {
        const int64_t count = count_from(column);
        find(n, row, column, count);
        const T* upstream = upstream_of(n, c, row, column, count);
        for (int64_t i = 0; i < count; i++) {
          const T lower = upstream[i] * y.share[i], upper = upstream[i] * (1 - y.share[i]);
          T *above = plane + y.before[i] * w, *below = plane + y.behind[i] * w;
          above[x.before[i]] += upper * (1 - x.share[i]);
          above[x.behind[i]] += upper * x.share[i];
          below[x.before[i]] += lower * (1 - x.share[i]);
          below[x.behind[i]] += lower * x.share[i];
        }
      }
  }
};

template <class T>
void warp_of(const Warp& job, int share, int shares) {
  Warped<T> warped(job);
  const int64_t rows = job.shape[0] * job.shape[2], planes = job.shape[0] * job.shape[1], h = job.shape[2], c = job.shape[1];
  if (job.out.data || job.grad_flow.data)
    for (int64_t row = rows * share / shares; row < rows * (share + 1) / shares; row++)
      job.out.data ? warped.forward(row / h, row % h) : warped.to_flow(row / h, row % h);
  if (job.grad_image.data)
    for (int64_t plane = planes * share / shares; plane < planes * (share + 1) / shares; plane++) warped.to_image(plane / c, plane % c);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
