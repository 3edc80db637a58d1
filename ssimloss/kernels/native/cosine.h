// The cosine transform of blocks of 8 x 8 pixels, and how an image's blocks are read and written.
//
// As many blocks of a row as a vector has lanes are worked on together, a block in each lane.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kSide = 8, kBlock = kSide * kSide;  // pixels
constexpr int kBlockMargin = 16;                  // what a vector reaches beyond a line

template <class T>
struct Cosine {
  static constexpr T c1 = T(0.49039264020161522), c2 = T(0.46193976625564338), c3 = T(0.41573480615127262), c4 = T(0.35355339059327376),
                     c5 = T(0.27778511650980111), c6 = T(0.19134171618254489), c7 = T(0.097545161008064133);  // cos(k pi / 16) / 2
};

// The orthonormal cosine transform of 8 numbers, `step` apart, in place.
template <class T>
INLINE void cosine_line(Vector<T>* v, int step) {
  using C = Cosine<T>;
  using V = Vector<T>;
  const V s0 = v[0] + v[7 * step], s1 = v[step] + v[6 * step], s2 = v[2 * step] + v[5 * step], s3 = v[3 * step] + v[4 * step];
  const V d0 = v[0] - v[7 * step], d1 = v[step] - v[6 * step], d2 = v[2 * step] - v[5 * step], d3 = v[3 * step] - v[4 * step];
  const V e0 = s0 + s3, e1 = s1 + s2, f0 = s0 - s3, f1 = s1 - s2;
  v[0] = C::c4 * (e0 + e1);
  v[4 * step] = C::c4 * (e0 - e1);
  v[2 * step] = C::c2 * f0 + C::c6 * f1;
  v[6 * step] = C::c6 * f0 - C::c2 * f1;
  v[step] = C::c1 * d0 + C::c3 * d1 + C::c5 * d2 + C::c7 * d3;
  v[3 * step] = C::c3 * d0 - C::c7 * d1 - C::c1 * d2 - C::c5 * d3;
  v[5 * step] = C::c5 * d0 - C::c1 * d1 + C::c7 * d2 + C::c3 * d3;
  v[7 * step] = C::c7 * d0 - C::c5 * d1 + C::c3 * d2 - C::c1 * d3;
}

// Its inverse, which is its transpose.
template <class T>
INLINE void pixel_line(Vector<T>* v, int step) {
  using C = Cosine<T>;
  using V = Vector<T>;
  const V x1 = v[step], x3 = v[3 * step], x5 = v[5 * step], x7 = v[7 * step];
  const V e0 = C::c4 * (v[0] + v[4 * step]), e1 = C::c4 * (v[0] - v[4 * step]);
  const V f0 = C::c2 * v[2 * step] + C::c6 * v[6 * step], f1 = C::c6 * v[2 * step] - C::c2 * v[6 * step];
  const V s0 = e0 + f0, s1 = e1 + f1, s2 = e1 - f1, s3 = e0 - f0;
  const V d0 = C::c1 * x1 + C::c3 * x3 + C::c5 * x5 + C::c7 * x7, d1 = C::c3 * x1 - C::c7 * x3 - C::c1 * x5 - C::c5 * x7;
  const V d2 = C::c5 * x1 - C::c1 * x3 + C::c7 * x5 + C::c3 * x7, d3 = C::c7 * x1 - C::c5 * x3 + C::c3 * x5 - C::c1 * x7;
  v[0] = s0 + d0;
  v[step] = s1 + d1;
  v[2 * step] = s2 + d2;
  v[3 * step] = s3 + d3;
  v[4 * step] = s3 - d3;
  v[5 * step] = s2 - d2;
  v[6 * step] = s1 - d1;
  v[7 * step] = s0 - d0;
}

template <class T>
__attribute__((noinline)) void to_frequencies(Vector<T>* block) {
  for (int i = 0; i < kSide; i++) cosine_line<T>(block + kSide * i, 1);
  for (int i = 0; i < kSide; i++) cosine_line<T>(block + i, kSide);
}

template <class T>
__attribute__((noinline)) void to_pixels(Vector<T>* block) {
  for (int i = 0; i < kSide; i++) pixel_line<T>(block + kSide * i, 1);
  for (int i = 0; i < kSide; i++) pixel_line<T>(block + i, kSide);
}

// Blocks of a row of a plane: of a channel, or of a weighted sum of all of them.
template <class T>
class BlockLines {
 public:
  using V = Vector<T>;
  static constexpr int kLanes = Lanes<T>::count, kLine = kSide * kLanes;
  static constexpr int64_t kElements = (kSide + 1) * (kLine + kBlockMargin);

  // weights: of the channels, or null: each channel is a plane.
  BlockLines(int64_t channels, const double* weights, T* scratch) : channels_(channels), weights_(weights) {
    for (T*& line : lines_) {
      line = scratch;
      scratch += kLine + kBlockMargin;
    }
  }

  // `count` pixels from `column` on; 0 in the lanes beyond. `centres` are subtracted from the channels; null: nothing is.
  void read(const Image& image, int64_t plane, int64_t row, int64_t column, int64_t count, const T* centres, V* block) {
    const T* segments[kLanes];
    V lanes[kSide + kBlockMargin];
    T* const room = lines_[kSide];
    for (int i = 0; i < kSide; i++) {
      T* line = lines_[i];
      for (int64_t c = 0; c < summed(); c++) {
        const int64_t start = start_of(image, plane * summed() + c, channels_, kSide * row + i, column);
        const T weight = weights_ ? (T)weights_[c] : T(1);
        T* to = c ? room : line;
        read_line(image, start, count, centres ? centres[c] : T(0), to);
        for (int64_t j = 0; j < count; j++) line[j] = c ? line[j] + weight * to[j] : weight * to[j];
      }
      for (int64_t j = count; j < kLine + kBlockMargin; j++) line[j] = T(0);
      for (int lane = 0; lane < kLanes; lane++) segments[lane] = line + kSide * lane;
      to_lanes<T>(lanes, segments, kSide, V{});
      for (int j = 0; j < kSide; j++) block[kSide * i + j] = lanes[j];
    }
  }

  // The gradient of a plane, to its channels.
  void write(const Image& image, int64_t plane, int64_t row, int64_t column, int64_t count, const V* gradient) {
    V lanes[kSide + kBlockMargin] = {};
    T *line = lines_[0], *segments[kLanes];
    for (int lane = 0; lane < kLanes; lane++) segments[lane] = line + kSide * lane;
    for (int i = 0; i < kSide; i++) {
      for (int j = 0; j < kSide; j++) lanes[j] = gradient[kSide * i + j];
      from_lanes<T>(segments, lanes, kSide);
      for (int64_t c = 0; c < summed(); c++) {
        const T weight = weights_ ? (T)weights_[c] : T(1);
        T* out = (T*)image.data + start_of(image, plane * summed() + c, channels_, kSide * row + i, column);
        const int64_t step = image.stride[3];
        for (int64_t j = 0; j < count; j++) out[j * step] = weight * line[j];
      }
    }
  }

 private:
  int64_t summed() const { return weights_ ? channels_ : 1; }

  const int64_t channels_;
  const double* const weights_;
  T* lines_[kSide + 1];
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
