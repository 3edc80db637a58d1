// Mean distances per pixel of images, and their derivatives.
//
// The time is that of the memory. Where all pixels of an image lie one behind the other, four places of a block are worked on at once, because
// the processor reads ahead in each page by itself and stops at its end. They are no multiple of 4 KiB apart, so that the first level of the
// cache holds them all. A gradient that no cache would hold until it is read is written past the caches, which otherwise read it first.

#pragma once

#include "pixels.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPlaces = 4;
constexpr int64_t kPixelRoom = 2048;         // pixels of a line
constexpr int64_t kStreamedBytes = 8 << 20;  // of a gradient

// Whether pixels of an image lie in memory in the order of its planes, rows and columns, without gaps and of the computing type.
template <class T>
INLINE bool lies_in_order(const Image& image, const int64_t* shape) {
  const int64_t h = shape[2], w = shape[3];
  return lies_as_wanted<T>(image) && (h == 1 || image.stride[2] == w) && (shape[1] == 1 || image.stride[1] == h * w);
}

template <class T, class Distance>
struct PixelBlocks {
  const PixelMeans& job;
  const Distance& distance;
  const int64_t pixels = job.shape[1] * job.shape[2] * job.shape[3];
  const Vector<T> weight = broadcast((T)(job.slope / (double)pixels));

  void run(int share, int shares) const {
    const int64_t total = job.shape[0] * job.blocks, from = total * share / shares, to = total * (share + 1) / shares;
    if (!job.grad.data)
      blocks<Derivative::kUnused>(from, to);
    else if (!is_streamed())
      blocks<Derivative::kWritten>(from, to);
    else
      blocks<Derivative::kStreamed>(from, to);
  }

  bool is_in_order() const {
    const bool both = lies_in_order<T>(job.x, job.shape) && lies_in_order<T>(job.y, job.shape);
    return both && (!job.grad.data || lies_in_order<T>(job.grad, job.shape));
  }

  bool is_streamed() const {
    const bool aligned = (uintptr_t)job.grad.data % kBytes == 0 && job.grad.stride[0] * (int64_t)sizeof(T) % kBytes == 0;
    return is_in_order() && aligned && job.shape[0] * pixels * (int64_t)sizeof(T) >= kStreamedBytes;
  }

  template <Derivative USE>
  void blocks(int64_t from, int64_t to) const {
    const bool in_order = is_in_order();
    for (int64_t block = from; block < to; block++) {
      const int64_t n = block / job.blocks, first = block % job.blocks * kPixelBlock, left = pixels - first;
      const int64_t count = left < kPixelBlock ? left : kPixelBlock, apart = count / (kPlaces * kPixelParts) * kPixelParts;
      PixelTotals totals;
      if (in_order) {
        add_places<kPlaces, USE>(n, first, apart, totals);
        add_places<1, USE>(n, first + kPlaces * apart, count - kPlaces * apart, totals);
      } else {
        add_rows<USE == Derivative::kStreamed ? Derivative::kWritten : USE>(n, first, count, totals);
      }
      job.sums[block] = totals.sum();
    }
    if (USE == Derivative::kStreamed) finish_stores_past_caches();
  }

  // As many pixels of image n at each place, one place behind the other.
  template <int PLACES, Derivative USE>
  INLINE void add_places(int64_t n, int64_t first, int64_t count, PixelTotals& totals) const {
    const T *x[PLACES], *y[PLACES];
    T* gradient[PLACES] = {};
    for (int place = 0; place < PLACES; place++) {
      const int64_t pixel = first + place * count;
      x[place] = (const T*)job.x.data + n * job.x.stride[0] + pixel;
      y[place] = (const T*)job.y.data + n * job.y.stride[0] + pixel;
      if (USE != Derivative::kUnused) gradient[place] = (T*)job.grad.data + n * job.grad.stride[0] + pixel;
    }
    add_pixels<PLACES, USE>(x, y, gradient, count, weight, distance, totals);
  }

  // Pixels of image n, row by row.
  template <Derivative USE>
  void add_rows(int64_t n, int64_t first, int64_t count, PixelTotals& totals) const {
    T room_x[kPixelRoom], room_y[kPixelRoom], line[kPixelRoom];
    const int64_t c = job.shape[1], h = job.shape[2], w = job.shape[3];
    for (int64_t pixel = first, some; pixel < first + count; pixel += some) {
      const int64_t row = pixel / w, column = pixel % w, plane = n * c + row / h;
      some = w - column < kPixelRoom ? w - column : kPixelRoom;
      if (some > first + count - pixel) some = first + count - pixel;
      const T* const x = line_of(job.x, start_of(job.x, plane, c, row % h, column), some, room_x);
      const T* const y = line_of(job.y, start_of(job.y, plane, c, row % h, column), some, room_y);
      T* gradient = line;
      if (USE != Derivative::kUnused && job.grad.stride[3] == 1) gradient = (T*)job.grad.data + start_of(job.grad, plane, c, row % h, column);
      add_pixels<1, USE>(&x, &y, &gradient, some, weight, distance, totals);
      if (USE != Derivative::kUnused && gradient == line)
        for (int64_t i = 0; i < some; i++) ((T*)job.grad.data)[start_of(job.grad, plane, c, row % h, column + i)] = line[i];
    }
  }
};

template <class T>
void pixel_means_of(const PixelMeans& job, int share, int shares) {
  with_distance<T>(job.pixel, (T)job.eps, [&](const auto& distance) {
    using Distance = std::decay_t<decltype(distance)>;
    if (job.clipped) {
      const Clipped<T, Distance> clipped = {distance, broadcast((T)job.low), broadcast((T)job.high), job.high == __builtin_inf()};
      PixelBlocks<T, Clipped<T, Distance>>{job, clipped}.run(share, shares);
    } else {
      PixelBlocks<T, Distance>{job, distance}.run(share, shares);
    }
  });
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
