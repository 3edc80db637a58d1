// Rows of an image, as the kernels want them: of the computing type, centred, halved to a coarser scale, with their border.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPixelsAhead = 64;  // are asked for, where a loop reads more lines at once than the processor follows

INLINE float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

INLINE float widen_bfloat16(uint16_t half) { return float_of_bits((uint32_t)half << 16); }

INLINE float widen_float16(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u : 0u;  // infinite or NaN
  float value = float_of_bits(magnitude << 13) * float_of_bits(0x77800000u);  // 2^112: the exponent's new bias, right for subnormals too
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return float_of_bits(bits | special | sign);
}

// out[i] = pixel i of a line - centre
template <class T>
__attribute__((noinline)) void read_line(const Image& image, int64_t offset, int64_t count, T centre, T* __restrict out) {
  const int64_t step = image.stride[3];
#define READ(type, widen)                                                                           \
  {                                                                                                 \
    const type* __restrict p = (const type*)image.data + offset;                                    \
    if (step == 1)                                                                                  \
      for (int64_t i = 0; i < count; i++) out[i] = (T)widen(p[i]) - centre;                         \
    else                                                                                            \
      for (int64_t i = 0; i < count; i++) out[i] = (T)widen(p[i * step]) - centre;                  \
  }
  switch (image.dtype) {
    case kFloat32: READ(float, ) break;
    case kFloat64: READ(double, ) break;
    case kFloat16: READ(uint16_t, widen_float16) break;
    case kBFloat16: READ(uint16_t, widen_bfloat16) break;
    case kUInt8: READ(uint8_t, ) break;
  }
#undef READ
}

// Whether rows of an image lie in memory as kernels want them: of the computing type, one pixel behind the other.
template <class T>
INLINE bool lies_as_wanted(const Image& image) {
  return image.stride[3] == 1 && image.dtype == (sizeof(T) == sizeof(float) ? kFloat32 : kFloat64);
}

// Pixels of a line: where they lie if they lie as wanted, else copied to `room`.
template <class T>
INLINE const T* line_of(const Image& image, int64_t offset, int64_t count, T* room) {
  if (lies_as_wanted<T>(image)) return (const T*)image.data + offset;
  read_line(image, offset, count, T(0), room);
  return room;
}

INLINE int64_t start_of(const Image& image, int64_t plane, int64_t channels, int64_t row, int64_t column) {
  return plane / channels * image.stride[0] + plane % channels * image.stride[1] + row * image.stride[2] + column * image.stride[3];
}

// Asks the processor for a line of an image, to be read or (`WRITE`) written.
template <int WRITE = 0>
INLINE void expect_line(const Image& image, int64_t offset, int64_t count) {
  if (image.stride[3] != 1) return;  // lines that lie far apart
  const int64_t size = image.dtype == kFloat64 ? 8 : image.dtype == kFloat32 ? 4 : image.dtype == kUInt8 ? 1 : 2;
  const char* from = (const char*)image.data + offset * size;
  for (int64_t byte = 0; byte < count * size; byte += 64) __builtin_prefetch(from + byte, WRITE, 2);
}

INLINE int64_t clamped(int64_t i, int64_t size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

// Row `row` of a halved image, columns [column, column + count), from the two fine rows that fine_line(row, first column, count, to) reads.
// `outside` is the value of kZero.
template <class T, class FineLine>
INLINE void halve_row(const Halving& h, int64_t row, int64_t column, int64_t count, T outside, T* above, T* below, T* __restrict out,
                      FineLine fine_line) {
  const int64_t top = 2 * row - h.before_h, left = 2 * column - h.before_w;
  T* lines[2] = {above, below};
  for (int k = 0; k < 2; k++) {
    const int64_t r = top + k;
    T* line = lines[k];
    if ((r < 0 || r >= h.fine_h) && h.outside == kZero) {
      for (int64_t i = 0; i < 2 * count; i++) line[i] = outside;
      continue;
    }
    const int64_t first = left < 0 ? 0 : left, end = left + 2 * count < h.fine_w ? left + 2 * count : h.fine_w;
    fine_line(clamped(r, h.fine_h), first, end - first, line + (first - left));
    for (int64_t c = left; c < first; c++) line[c - left] = h.outside == kZero ? outside : line[first - left];
    for (int64_t c = end; c < left + 2 * count; c++) line[c - left] = h.outside == kZero ? outside : line[end - 1 - left];
  }
  const T *__restrict a = above, *__restrict b = below;
  for (int64_t i = 0; i < count; i++) out[i] = T(0.25) * ((a[2 * i] + a[2 * i + 1]) + (b[2 * i] + b[2 * i + 1]));
}

// The rows of one plane of a pass, border included: coordinates begin `pad` before the image.
template <class T>
struct Rows {
  const Image& image;
  const Similarity& job;
  int64_t begin;  // where the plane does, in elements
  T centre;
  T outside;         // what lies beyond a border of zeros
  T *above, *below;  // room for two fine rows

  INLINE int64_t at(int64_t row, int64_t column) const { return begin + row * image.stride[2] + column * image.stride[3]; }

  // Columns [column, column + count) of the row. A piece that reaches beyond the image has to hold the pixels that lie there mirrored.
  INLINE void read(int64_t row, int64_t column, int64_t count, T* out) const {
    const int64_t w = job.width, h = job.height, pad = job.pad;
    int64_t r = row - pad;
    const int64_t first = column < pad ? pad : column, end = column + count < w + pad ? column + count : w + pad;
    if (r < 0 || r >= h) {
      if (job.border == kZeros) {
        for (int64_t i = 0; i < count; i++) out[i] = outside;
        return;
      }
      r = job.border == kReflect ? (r < 0 ? -r : 2 * (h - 1) - r) : clamped(r, h);
    }
    read_inside(r, first - pad, end - first, out + (first - column));
    const int64_t left = pad - column, right = w - 1 + pad - column;  // where the first and the last pixel are in out
    for (int64_t i = left - 1; i >= 0; i--) out[i] = job.border == kZeros ? outside : out[job.border == kReflect ? 2 * left - i : left];
    for (int64_t i = right + 1; i < count; i++) out[i] = job.border == kZeros ? outside : out[job.border == kReflect ? 2 * right - i : right];
  }

  // Asks for pixels that will be read soon: the next row of a tile lies in another page, where the processor does not look by itself.
  INLINE void expect(int64_t row, int64_t column, int64_t count) const {
    const int64_t r = row - job.pad;
    if (!job.halving && r >= 0 && r < job.height) expect_line(image, at(r, column - job.pad), count);
  }

  INLINE void read_inside(int64_t row, int64_t column, int64_t count, T* out) const {
    const T shift = job.stored ? T(0) : centre;
    if (!job.halving) {
      read_line(image, at(row, column), count, shift, out);
      return;
    }
    halve_row<T>(*job.halving, row, column, count, outside, above, below, out,
                 [&](int64_t r, int64_t first, int64_t n, T* to) __attribute__((always_inline)) {
                   read_line(image, at(r, first), n, shift, to);
                 });
  }
};

// fine[i] = keep * fine[i] + weight * (the coarse pixel over column first + i), for columns [first, first + count) of a fine row. A pixel
// counts as often as blocks hold it: twice where it was repeated at the edge, and not at all where no block reaches.
template <class T>
INLINE void spread_row(T* __restrict fine, int64_t first, int64_t count, T keep, const Halving& h, const T* __restrict coarse, int64_t coarse_first,
                       int64_t coarse_w, T weight) {
  for (int64_t i = 0; i < count;) {
    const int64_t column = first + i + h.before_w, block = column / 2;
    if (column % 2 == 0 && i + 1 < count && block > 0 && block + 1 < coarse_w) {  // whole blocks
      int64_t blocks = (count - i) / 2;
      if (blocks > coarse_w - 1 - block) blocks = coarse_w - 1 - block;
      T* __restrict f = fine + i;
      const T* __restrict c = coarse + (block - coarse_first);
      for (int64_t k = 0; k < blocks; k++) {
        const T add = weight * c[k];
        f[2 * k] = keep * f[2 * k] + add;
        f[2 * k + 1] = keep * f[2 * k + 1] + add;
      }
      i += 2 * blocks;
      continue;
    }
    T times = block < coarse_w ? T(1) : T(0);
    if (h.outside == kEdge && block < coarse_w) {
      const int64_t pixel = first + i;
      if (pixel == 0 && 2 * block - h.before_w < 0) times += 1;
      if (pixel == h.fine_w - 1 && 2 * block - h.before_w + 1 > pixel) times += 1;
    }
    fine[i] = keep * fine[i] + (times != 0 ? weight * times * coarse[block - coarse_first] : T(0));
    i++;
  }
}

// How often the blocks of its own coarse row hold a fine row, and which coarse row that is; 0 where none reaches.
INLINE int times_held(const Halving& h, int64_t fine_row, int64_t coarse_h, int64_t* coarse_row) {
  const int64_t block = (fine_row + h.before_h) / 2, top = 2 * block - h.before_h;
  *coarse_row = block;
  if (block >= coarse_h) return 0;
  if (h.outside != kEdge) return 1;
  return 1 + (top < 0) + (top + 1 >= h.fine_h);
}

// An equal share of the rows of all images or planes, which follow one another.
template <class Pass>
void run_share(Pass& pass, int64_t count, int64_t height, int share, int shares) {
  const int64_t all = count * height, end = all * (share + 1) / shares;
  for (int64_t at = all * share / shares; at < end;) {
    const int64_t image = at / height, from = at % height;
    const int64_t to = end - image * height < height ? end - image * height : height;
    pass.run(image, from, to);
    at = image * height + to;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
