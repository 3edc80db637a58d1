// Differences of blocks of 8 x 8 pixels in the frequencies of their cosine transform, weighted by the sensitivity of the eye, less what the
// block masks, and their gradient; see functional/psnr_hvs.py.

#pragma once

#include "cosine.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class T>
INLINE void quarter_means(const Vector<T>* block, Vector<T>* means) {
  for (int q = 0; q < 4; q++) {
    Vector<T> sum = {};
    for (int i = 0; i < 16; i++) sum += block[kSide * (4 * (q / 2) + i / 4) + 4 * (q % 2) + i % 4];
    means[q] = T(1.0 / 16) * sum;
  }
}

// The masking energy of a block: sqrt(masked * inside / whole) / 32.
template <class T>
struct Masking {
  using V = Vector<T>;
  static constexpr T quarters = T((16.0 / 15) / (64.0 / 63));  // variances are divided by their number of samples less one
  V masked, share, over_whole, root, energy, means[4];

  // The block becomes its frequencies.
  INLINE Masking(V* block, const T* masks) {
    quarter_means<T>(block, means);
    V inside = {}, whole = {};
    for (int i = 0; i < kBlock; i++) {
      const V off = block[i] - means[2 * (i / 32) + i % 8 / 4];
      inside += off * off;
    }
    to_frequencies<T>(block);
    masked = V{};
    for (int k = 1; k < kBlock; k++) {
      const V square = block[k] * block[k];
      whole += square;
      masked += masks[k] * square;
    }
    const Mask<T> varies = whole > (sizeof(T) == sizeof(float) ? T(0x1p-63) : T(0x1p-511));  // whose square divides the gradient
    over_whole = keep<T>(1 / choose<T>(varies, whole, broadcast<T>(1)), varies);
    share = quarters * inside * over_whole;
    root = root_of<T>(masked * share);
    energy = T(1.0 / 32) * root;
  }

  // Adds the gradient of the energy, times `slope`, to that of the frequencies; returns that of half of `inside`.
  INLINE V slopes(V slope, const V* frequencies, const T* masks, V* gradient) const {
    const Mask<T> still = root <= 0;
    const V of_product = keep<T>(T(1.0 / 32) * slope / choose<T>(still, broadcast<T>(1), root), ~still);  // twice
    const V of_masked = of_product * share, of_share = of_product * masked, of_whole = -of_share * share * over_whole;
    for (int k = 1; k < kBlock; k++) gradient[k] += frequencies[k] * (masks[k] * of_masked + of_whole);
    return of_share * quarters * over_whole;
  }
};

template <class T>
class HVSBlocks {
 public:
  using V = Vector<T>;
  static constexpr int kLanes = Lanes<T>::count;
  static int64_t bytes() { return (int64_t)sizeof(T) * (6 * kBlock * kLanes + BlockLines<T>::kElements); }

  HVSBlocks(const HVSErrors& job, T* scratch) : job_(job), lines_(job.channels, job.weights, scratch + 6 * kBlock * kLanes) {
    for (V*& block : blocks_) {
      block = (V*)scratch;
      scratch += kBlock * kLanes;
    }
    for (int k = 0; k < kBlock; k++) {
      weights_[k] = (T)(job.sensitivity[k] / kSide);
      if (!job.masking) continue;
      masks_[k] = k ? (T)job.masking[k] : T(0);
      masked_by_[k] = k ? (T)(job.sensitivity[k] / (kSide * job.masking[k])) : T(0);
    }
  }

  // A row of blocks of a plane; the sum of its errors.
  double run(int64_t plane, int64_t row) {
    V sums = {};
    const int64_t blocks = job_.width / kSide;
    for (int64_t at = 0; at < blocks; at += kLanes) {
      const int64_t count = blocks - at < kLanes ? blocks - at : kLanes;
      for (int which = 0; which < 2; which++) lines_.read(which ? job_.y : job_.x, plane, row, at * kSide, count * kSide, nullptr, blocks_[which]);
      sums += job_.masking ? compare<true>(plane, row, at * kSide, count * kSide) : compare<false>(plane, row, at * kSide, count * kSide);
    }
    double sum = 0;
    for (int lane = 0; lane < kLanes; lane++) sum += sums[lane];
    return sum;
  }

 private:
  template <bool MASKS>
  __attribute__((noinline)) V compare(int64_t plane, int64_t row, int64_t column, int64_t count) {
    V *x = blocks_[0], *y = blocks_[1], *unlike = blocks_[2], *gradient = blocks_[3], *pixels[2] = {blocks_[4], blocks_[5]};
    const bool wanted = job_.grad_x.data || job_.grad_y.data;
    for (int i = 0; i < kBlock; i++) unlike[i] = x[i] - y[i];
    to_frequencies<T>(unlike);
    V error = {}, of_energy = {};
    const T scale = (T)(2 * job_.scale);
    if constexpr (!MASKS) {
      for (int k = 0; k < kBlock; k++) {
        const V v = weights_[k] * unlike[k];
        error += v * v;
        gradient[k] = scale * weights_[k] * v;
      }
      if (!wanted) return error;
      to_pixels<T>(gradient);
      for (int which = 0; which < 2; which++) {
        if (which)
          for (int i = 0; i < kBlock; i++) gradient[i] = -gradient[i];
        write(which, plane, row, column, count, gradient);
      }
      return error;
    } else {
      for (int which = 0; which < 2; which++)
        for (int i = 0; i < kBlock; i++) pixels[which][i] = blocks_[which][i];
      const Masking<T> of_x(x, masks_), of_y(y, masks_);  // now x and y are frequencies
      const Mask<T> second = (of_y.energy > of_x.energy) | (of_y.energy != of_y.energy), equal = of_x.energy == of_y.energy;
      const V energy = choose<T>(second, of_y.energy, of_x.energy);
      for (int k = 0; k < kBlock; k++) {
        const V v = weights_[k] * unlike[k], size = choose<T>(v < 0, -v, v) - energy * masked_by_[k], left = choose<T>(size < 0, V{}, size);
        error += left * left;
        of_energy -= masked_by_[k] * left;
        unlike[k] = scale * weights_[k] * choose<T>(v < 0, -left, left);
      }
      if (!wanted) return error;
      of_energy *= scale;
      const V half = T(0.5) * of_energy;
      for (int which = 0; which < 2; which++) {
        if (!(which ? job_.grad_y : job_.grad_x).data) continue;
        for (int k = 0; k < kBlock; k++) gradient[k] = which ? -unlike[k] : unlike[k];
        const Masking<T>& own = which ? of_y : of_x;
        const V slope = choose<T>(equal, half, keep<T>(of_energy, which ? second : ~second));
        const V of_inside = own.slopes(slope, blocks_[which], masks_, gradient);
        to_pixels<T>(gradient);
        for (int i = 0; i < kBlock; i++) gradient[i] += of_inside * (pixels[which][i] - own.means[2 * (i / 32) + i % 8 / 4]);
        write(which, plane, row, column, count, gradient);
      }
      return error;
    }
  }

  void write(int which, int64_t plane, int64_t row, int64_t column, int64_t count, const V* gradient) {
    const Image& image = which ? job_.grad_y : job_.grad_x;
    if (image.data) lines_.write(image, plane, row, column, count, gradient);
  }

  const HVSErrors& job_;
  V* blocks_[6];
  BlockLines<T> lines_;
  T weights_[kBlock], masks_[kBlock], masked_by_[kBlock];
};

template <class T>
void hvs_errors_of(const HVSErrors& job, int share, int shares, T* scratch) {
  HVSBlocks<T> blocks(job, scratch);
  const int64_t rows = job.height / kSide, all = job.count * (job.weights ? 1 : job.channels) * rows;
  for (int64_t at = all * share / shares; at < all * (share + 1) / shares; at++) job.row_sums[at] = blocks.run(at / rows, at % rows);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
