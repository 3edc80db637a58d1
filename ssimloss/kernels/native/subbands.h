// Similarity of the local contrast of two images in subbands of the cosine transform, at the worst positions of each; see functional/dss.py.
//
// A subband holds one frequency of all blocks, with a border of what lies beyond the image. Moments are taken of the differences from the
// middle of each window, which loses no digits where the subband hardly varies.

#pragma once

#include "cosine.h"
#include "selection.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// Of both subbands under a window of 3 x 3 positions; the means less the values in its middle. `load` reads one position, or a vector.
template <class V, class T, class Load>
struct WindowMoments {
  V mean_x = {}, mean_y = {}, var_x = {}, var_y = {}, cov = {};

  INLINE WindowMoments(const T* x, const T* y, int64_t line, const T* weights, Load load) {
    const V middle_x = load(x), middle_y = load(y);
#pragma GCC unroll 9
    for (int k = 0; k < 9; k++) {
      if (k == 4) continue;
      const int64_t at = (k / 3 - 1) * line + k % 3 - 1;
      const V d = load(x + at) - middle_x, e = load(y + at) - middle_y, of_d = weights[k] * d, of_e = weights[k] * e;
      mean_x += of_d;
      mean_y += of_e;
      var_x += of_d * d;
      var_y += of_e * e;
      cov += of_d * e;
    }
    var_x -= mean_x * mean_x;
    var_y -= mean_y * mean_y;
    cov -= mean_x * mean_y;
  }
};

template <class T>
class SubbandSteps {
 public:
  using V = Vector<T>;
  using Key = typename Keys<T>::Key;
  static constexpr int64_t kLanes = Lanes<T>::count;

  explicit SubbandSteps(const Subbands& job)
      : job_(job),
        rows_(job.height / kSide),
        columns_(job.width / kSide),
        line_(columns_ + 2),
        size_((rows_ + 2) * line_),
        vectors_((rows_ * columns_ + kLanes - 1) / kLanes) {
    for (int k = 0; k < 9; k++) window_[k] = (T)(job.window[k / 3] * job.window[k % 3]);
  }

  int64_t elements() const { return 2 * job_.frequencies * size_ + kLanes; }  // the last vector reaches beyond the last subband

  // Two rows of losses, two gradients, a few keys; or a block in each lane.
  int64_t scratch() const {
    const int64_t compared = (2 * (vectors_ + 1) + vectors_ / Keys<T>::kFew + 1) * kLanes + 2 * size_;
    const int64_t blocks = kBlock * kLanes + BlockLines<T>::kElements;
    return compared > blocks ? compared : blocks;
  }

  void run(int share, int shares, T* scratch) const {
    const auto over = [&](int64_t count, auto step) {
      for (int64_t i = count * share / shares; i < count * (share + 1) / shares; i++) step(i);
    };
    V* const block = (V*)scratch;
    BlockLines<T> lines(job_.channels, job_.channel_weights, scratch + kBlock * kLanes);
    switch (job_.step) {
      case kToSubbands: return over(2 * rows_, [&](int64_t i) { to_subbands(i / rows_, i % rows_, lines, block); });
      case kCompareSubbands: return over(job_.frequencies, [&](int64_t k) { k ? compare<false>(k, scratch) : compare<true>(k, scratch); });
      case kFromSubbands: return over(rows_, [&](int64_t row) { from_subbands(row, lines, block); });
    }
  }

 private:
  struct Worst {
    T limit;        // the least of the worst losses
    int64_t alike;  // how many that are equal to it count
    double mean;
  };

  // The product of two deviations: sqrt((var_x kShrink) (var_y kShrink)) / kShrink, exactly the variance if both are equal. Squares of large
  // variances exceed float32.
  static constexpr T kShrink = T(0x1p-12);

  T* subband(int which, int64_t k) const { return (T*)job_.subbands + (which * job_.frequencies + k) * size_; }

  void to_subbands(int which, int64_t row, BlockLines<T>& lines, V* block) const {
    for (int64_t at = 0; at < columns_; at += kLanes) {
      const int64_t count = columns_ - at < kLanes ? columns_ - at : kLanes;
      lines.read(which ? job_.y : job_.x, job_.image, row, at * kSide, count * kSide, (const T*)job_.centres[which], block);
      to_frequencies<T>(block);
      for (int64_t k = 0; k < job_.frequencies; k++)
        __builtin_memcpy(subband(which, k) + (row + 1) * line_ + at + 1, block + job_.kept[k], count * sizeof(T));
    }
    for (int64_t k = 0; k < job_.frequencies; k++) {
      const T beyond = k ? T(0) : (T)job_.beyond[which];  // only the first frequency has a mean
      T *const all = subband(which, k), *const own = all + (row + 1) * line_;
      own[0] = own[columns_ + 1] = beyond;
      for (int64_t j = 0; row == 0 && j < line_; j++) all[j] = beyond;
      for (int64_t j = 0; row == rows_ - 1 && j < line_; j++) own[line_ + j] = beyond;
    }
  }

  template <bool MEANS>
  __attribute__((noinline)) void compare(int64_t k, T* scratch) const {
    T *const contrasts = scratch, *const structures = contrasts + (vectors_ + 1) * kLanes;
    T *const of_x = structures + (vectors_ + 1) * kLanes, *const of_y = of_x + size_;
    Key* const room = (Key*)(of_y + size_);
    T *const x = subband(0, k), *const y = subband(1, k);
    const T c = (T)(MEANS ? job_.c_mean : job_.c_detail);
    for (int64_t i = 0; i < rows_; i++)
      for (int64_t j = 0; j < columns_; j += kLanes) {
        const int64_t at = (i + 1) * line_ + j + 1, position = i * columns_ + j;
        const auto vector = [](const T* from) INLINE_LAMBDA { return load(from); };
        const WindowMoments<V, T, decltype(vector)> m(x + at, y + at, line_, window_, vector);
        const V var_x = choose<T>(m.var_x < 0, V{}, m.var_x), var_y = choose<T>(m.var_y < 0, V{}, m.var_y), sums = var_x + var_y;
        const V product = root_of<T>((var_x * kShrink) * (var_y * kShrink)) * (1 / kShrink);
        store<T>(contrasts + position, not_negative((sums - 2 * product) / (sums + c)));
        if (!MEANS) continue;
        const V least = choose<T>(m.cov < -product, -product, m.cov), cov = choose<T>(least > product, product, least);
        store<T>(structures + position, not_negative((product - cov) / (product + c)));
      }
    const Worst contrast = worst_of(contrasts, room), structure = MEANS ? worst_of(structures, room) : Worst{};
    job_.losses[k] = contrast.mean;
    if (MEANS) job_.losses[job_.frequencies] = structure.mean;
    if (!job_.grad_x.data && !job_.grad_y.data) return;
    for (int64_t i = 0; i < 2 * size_; i++) of_x[i] = T(0);
    // 1 - (1 - contrast) (1 - structure)
    add_slopes<true>(x, y, contrasts, contrast, c, (T)(job_.factors[k] * (1 - structure.mean)), of_x, of_y);
    if (MEANS) add_slopes<false>(x, y, structures, structure, c, (T)(job_.factors[k] * (1 - contrast.mean)), of_x, of_y);
    if (job_.grad_x.data) __builtin_memcpy(x, of_x, size_ * sizeof(T));
    if (job_.grad_y.data) __builtin_memcpy(y, of_y, size_ * sizeof(T));
  }

  // Losses below 0 come from rounding. NaN is larger than any number.
  INLINE static V not_negative(V loss) {
    return choose<T>(loss > 0, loss, keep<T>(broadcast<T>((T)__builtin_nan("")), loss != loss));
  }

  Worst worst_of(T* losses, Key* room) const {
    const int64_t count = rows_ * columns_;
    __builtin_memset(losses + count, 0, (vectors_ * kLanes - count) * sizeof(T));
    const Key limit = Keys<T>{(const Mask<T>*)losses, vectors_}.of_rank(vectors_ * kLanes - job_.worst + 1, room);
    Worst worst = {};
    __builtin_memcpy(&worst.limit, &limit, sizeof limit);
    worst.alike = job_.worst;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
      if (is_above(losses[i], worst.limit)) {
        sum += losses[i];
        worst.alike--;
      }
    worst.mean = (sum + (double)worst.alike * worst.limit) / (double)job_.worst;
    return worst;
  }

  INLINE static bool is_above(T loss, T limit) { return loss > limit || (loss != loss && limit == limit); }

  // Adds the gradient of the mean of the worst losses of contrast, or of structure, times `factor`. Of equal losses, the first ones count.
  template <bool CONTRAST>
  void add_slopes(const T* x, const T* y, const T* losses, Worst worst, T c, T factor, T* of_x, T* of_y) const {
    const auto scalar = [](const T* from) INLINE_LAMBDA { return *from; };
    const T still = (T)(job_.still * job_.still);
    for (int64_t position = 0; position < rows_ * columns_; position++) {
      const T loss = losses[position];
      if (!is_above(loss, worst.limit)) {
        if (loss < worst.limit || !worst.alike) continue;
        worst.alike--;
      }
      const int64_t at = (position / columns_ + 1) * line_ + position % columns_ + 1;
      const WindowMoments<T, T, decltype(scalar)> m(x + at, y + at, line_, window_, scalar);
      const T var_x = m.var_x < 0 ? T(0) : m.var_x, var_y = m.var_y < 0 ? T(0) : m.var_y;
      const T product = square_root((var_x * kShrink) * (var_y * kShrink)) * (1 / kShrink);
      T of_sums = 0, of_product, of_cov = 0;
      if (CONTRAST) {
        const T bottom = var_x + var_y + c;
        of_sums = factor / bottom * ((product + product + c) / bottom);
        of_product = -2 * (factor / bottom);
      } else {
        const T bottom = product + c, cov = m.cov < -product ? -product : m.cov > product ? product : m.cov;
        of_product = factor / bottom * ((cov + c) / bottom);
        of_cov = -(factor / bottom);
      }
      T of_var_x = m.var_x <= 0 ? T(0) : of_sums, of_var_y = m.var_y <= 0 ? T(0) : of_sums;
      if ((var_x < var_y ? var_x : var_y) < still) {  // the deviation of a flat neighbourhood has the slope of the covariance
        of_cov += of_product;
      } else {
        of_var_x += T(0.5) * of_product * (var_y / product);
        of_var_y += T(0.5) * of_product * (var_x / product);
      }
      const T mean_x = x[at] + m.mean_x, mean_y = y[at] + m.mean_y;
      for (int k = 0; k < 9; k++) {
        const int64_t near = at + (k / 3 - 1) * line_ + k % 3 - 1;
        const T d = x[near] - mean_x, e = y[near] - mean_y;
        // So that the gradient of equal images is exactly 0.
        of_x[near] += window_[k] * ((2 * of_var_x + of_cov) * d + of_cov * (e - d));
        of_y[near] += window_[k] * ((2 * of_var_y + of_cov) * e + of_cov * (d - e));
      }
    }
  }

  void from_subbands(int64_t row, BlockLines<T>& lines, V* block) const {
    for (int which = 0; which < 2; which++) {
      const Image& image = which ? job_.grad_y : job_.grad_x;
      for (int64_t at = 0; image.data && at < columns_; at += kLanes) {
        const int64_t count = columns_ - at < kLanes ? columns_ - at : kLanes;
        for (int i = 0; i < kBlock; i++) block[i] = V{};
        for (int64_t k = 0; k < job_.frequencies; k++) block[job_.kept[k]] = load(subband(which, k) + (row + 1) * line_ + at + 1);
        to_pixels<T>(block);
        lines.write(image, job_.image, row, at * kSide, count * kSide, block);
      }
    }
  }

  const Subbands& job_;
  const int64_t rows_, columns_, line_, size_, vectors_;
  T window_[9];
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
