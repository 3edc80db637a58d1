// One scale of the additive distortion measure, and its gradient: the equations of video/adm.py, of a distorted image x and its
// reference y.
//
//   bands      4 rows of each image                       -> approximations; bands O of y and T of x, in a ring of rows
//   restore    point by point                             -> R, and what was added, P = sum_b f_b |T_b - R_b|
//   mask       threshold = (P + its 3 x 3 box) / 30       -> sums of (|f_b R_b| - threshold)^3 and |f_b O_b|^3
//
// and for the gradient, a row behind each of the former:
//
//   unmask     derivatives of the cubes                   -> of |f_b R_b|, of the threshold
//   unrestore  transposed box, then point by point        -> of the bands
//   unband     transposed wavelet                         -> two rows of the gradient
//
// A share has rows of bands of its own, and computes the few around them again: no two shares write to the same place, and results do not
// depend on how many there are.

#pragma once

#include "decimation.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kBands = 3;  // H, V, D
constexpr int kBandRing = 4;

template <class T>
struct Wavelet {
  static constexpr T low[4] = {T(0.482962913144690), T(0.836516303737469), T(0.224143868041857), T(-0.129409522550921)};
  static constexpr T high[4] = {T(-0.129409522550921), T(-0.224143868041857), T(0.836516303737469), T(-0.482962913144690)};
};

template <class T>
INLINE T sign_of(T v) { return v > 0 ? T(1) : v < 0 ? T(-1) : T(0); }

// --- loops over a row, which the compiler turns into vectors ------------------------------------------------------------------------

template <class T>
__attribute__((noinline)) void filter_down(const T* __restrict a, const T* __restrict b, const T* __restrict c, const T* __restrict d, T shift,
                                           int64_t count, T* __restrict low, T* __restrict high) {
  using W = Wavelet<T>;
  for (int64_t j = 0; j < count; j++) {
    const T v0 = a[j] - shift, v1 = b[j] - shift, v2 = c[j] - shift, v3 = d[j] - shift;
    low[j] = W::low[0] * v0 + W::low[1] * v1 + W::low[2] * v2 + W::low[3] * v3;
    high[j] = W::high[0] * v0 + W::high[1] * v1 + W::high[2] * v2 + W::high[3] * v3;
  }
}

// Of a line from column -1 on, in columns of either parity: odd[m] is column 2 m - 1, even[m] column 2 m.
template <class T>
__attribute__((noinline)) void filter_across(const T* __restrict odd, const T* __restrict even, int64_t count, T* __restrict low, T* __restrict high) {
  using W = Wavelet<T>;
  for (int64_t m = 0; m < count; m++) {
    low[m] = W::low[0] * odd[m] + W::low[1] * even[m] + W::low[2] * odd[m + 1] + W::low[3] * even[m + 1];
    high[m] = W::high[0] * odd[m] + W::high[1] * even[m] + W::high[2] * odd[m + 1] + W::high[3] * even[m + 1];
  }
}

template <class T>
struct Restoring {
  T limit, cosine, weights[kBands];
};

// R of one coefficient before contrast was allowed for, and after.
template <class T>
INLINE T restored(T o, T t) {
  const T low = o < 0 ? o : T(0), high = o > 0 ? o : T(0);
  return t < low ? low : t > high ? high : t;  // NaN stays NaN
}
template <class T>
INLINE T enhanced(T r, T t, T limit) {
  const T more = limit * r, up = more < t ? more : t, down = more > t ? more : t;
  return r > 0 ? up : r < 0 ? down : r;
}
template <class T>
INLINE bool differ_by_contrast(T o_h, T o_v, T t_h, T t_v, T cosine) {
  const T dot = o_h * t_h + o_v * t_v, norms = (o_h * o_h + o_v * o_v) * (t_h * t_h + t_v * t_v);
  return (dot >= 0) & (dot * dot >= cosine * norms);
}

template <class T>
__attribute__((noinline)) void restore(const Restoring<T>& how, const T* __restrict o_h, const T* __restrict o_v, const T* __restrict o_d,
                                       const T* __restrict t_h, const T* __restrict t_v, const T* __restrict t_d, int64_t count,
                                       T* __restrict r_h, T* __restrict r_v, T* __restrict r_d, T* __restrict added) {
  const T limit = how.limit, cosine = how.cosine, f_h = how.weights[0], f_v = how.weights[1], f_d = how.weights[2];
  for (int64_t j = 0; j < count; j++) {
    const bool same = differ_by_contrast(o_h[j], o_v[j], t_h[j], t_v[j], cosine);
    const T a_h = restored(o_h[j], t_h[j]), a_v = restored(o_v[j], t_v[j]), a_d = restored(o_d[j], t_d[j]);
    const T e_h = enhanced(a_h, t_h[j], limit), e_v = enhanced(a_v, t_v[j], limit), e_d = enhanced(a_d, t_d[j], limit);
    const T h = same ? e_h : a_h, v = same ? e_v : a_v, d = same ? e_d : a_d;
    r_h[j] = h;
    r_v[j] = v;
    r_d[j] = d;
    added[j] = f_h * magnitude(t_h[j] - h) + f_v * magnitude(t_v[j] - v) + f_d * magnitude(t_d[j] - d);
  }
}

// out[j] = a[j] + b[j] + c[j]
template <class T>
__attribute__((noinline)) void add_three(const T* __restrict a, const T* __restrict b, const T* __restrict c, int64_t count, T* __restrict out) {
  for (int64_t j = 0; j < count; j++) out[j] = a[j] + b[j] + c[j];
}

// threshold[j], from the sums of three rows, which have a column before and one after.
template <class T>
__attribute__((noinline)) void threshold_row(const T* __restrict rows, const T* __restrict added, int64_t count, T* __restrict threshold) {
  for (int64_t j = 0; j < count; j++) threshold[j] = (rows[j - 1] + rows[j] + rows[j + 1] + added[j]) * T(1.0 / 30);
}

template <class T>
INLINE T visible(T f, T r, T threshold) {
  const T m = f * magnitude(r) - threshold;
  return m <= 0 ? T(0) : m;  // NaN stays NaN
}

// sums[b] = sum of visible^3 of band b over columns [from, to), and sums[kBands + b] = sum of |f O|^3. In vectors by hand, which reads beyond
// the end of a row to a whole one: compilers add up one number after another.
template <class T>
__attribute__((noinline)) void sum_cubes(T* const* restored, T* const* original, const T* threshold, const Restoring<T>& how, int64_t from,
                                         int64_t to, double* sums) {
  using V = Vector<T>;
  constexpr int n = Lanes<T>::count;
  const V zero = V{};
  V found[2 * kBands] = {};
  for (int64_t j = from; j < to; j += n) {
    const Mask<T> counted = first_lanes<T>(to - j);
    const V hidden = load(threshold + j);
    for (int b = 0; b < kBands; b++) {
      const V f = broadcast(how.weights[b]), r = load(restored[b] + j), o = f * load(original[b] + j);
      const V shown = f * choose<T>(r < zero, -r, r) - hidden, m = keep<T>(shown, ~(shown <= zero)), held = choose<T>(o < zero, -o, o);
      found[b] += keep<T>(m * m * m, counted);
      found[kBands + b] += keep<T>(held * held * held, counted);
    }
  }
  for (int k = 0; k < 2 * kBands; k++) {
    sums[k] = 0;
    for (int lane = 0; lane < n; lane++) sums[k] += found[k][lane];
  }
}

// slopes[j] = derivative of factor * visible^3 with respect to |f R|; of_threshold[j] -= it.
template <class T>
__attribute__((noinline)) void unmask_row(const T* __restrict r, const T* __restrict threshold, T f, T factor, int64_t from, int64_t to,
                                          T* __restrict slopes, T* __restrict of_threshold) {
  for (int64_t j = from; j < to; j++) {
    const T m = visible(f, r[j], threshold[j]), slope = 3 * factor * m * m;
    slopes[j] = slope;
    of_threshold[j] -= slope;
  }
}

// The derivatives with respect to T and O of one band, from those with respect to |f R| and to what was added. In vectors by hand, and
// beyond the end of a row to a whole one: compilers leave so many choices to branches.
template <class T>
__attribute__((noinline)) void unrestore_row(const T* o_row, const T* t_row, const T* o_h, const T* o_v, const T* t_h, const T* t_v,
                                             const T* slopes, const T* of_added, const Restoring<T>& how, T weight, int64_t count, T* of_t,
                                             T* of_o) {
  using V = Vector<T>;
  using M = Mask<T>;
  const V zero = V{}, limit = broadcast(how.limit), f = broadcast(weight);
  for (int64_t j = 0; j < count; j += Lanes<T>::count) {
    const V o = load(o_row + j), t = load(t_row + j), h = load(o_h + j), v = load(o_v + j), s_h = load(t_h + j), s_v = load(t_v + j);
    const V dot = h * s_h + v * s_v, norms = (h * h + v * v) * (s_h * s_h + s_v * s_v);
    const M same = (dot >= zero) & (dot * dot >= how.cosine * norms);
    const V low = choose<T>(o < zero, o, zero), high = choose<T>(o > zero, o, zero);
    const M below = t < low, above = t > high;
    const V before = choose<T>(below, low, choose<T>(above, high, t)), more = limit * before;
    // With contrast alone, R is T, or `limit` times what it was before.
    const M rises = before > zero, moved = same & (before != zero), limited = (rises & (more < t)) | (~rises & (more > t));
    const V r = choose<T>(moved, choose<T>(limited, more, t), before);
    const auto signed_as = [&](V value, V by) INLINE_LAMBDA { return keep<T>(value, by > zero) - keep<T>(value, by < zero); };
    const V added = signed_as(load(of_added + j) * f, t - r), of_r = signed_as(load(slopes + j) * f, r) - added;
    const V of_before = choose<T>(moved, keep<T>(limit * of_r, limited), of_r);
    const M at_o = (below & (o < zero)) | (above & (o > zero));
    store(of_t + j, added + keep<T>(of_r, moved & ~limited) + keep<T>(of_before, ~(below | above)));
    store(of_o + j, keep<T>(of_before, at_o));
  }
}

// of_o[j] += derivative of factor * |f O|^3
template <class T>
__attribute__((noinline)) void add_held_slope(const T* __restrict o, T f, T factor, int64_t from, int64_t to, T* __restrict of_o) {
  for (int64_t j = from; j < to; j++) {
    const T m = f * magnitude(o[j]);
    of_o[j] += 3 * factor * m * m * f * sign_of(o[j]);
  }
}

// Columns 2 m and 2 m + 1 of a line, from an approximation and a band that have a column before and one after.
template <class T>
__attribute__((noinline)) void unfilter_across(const T* __restrict a, const T* __restrict v, int64_t count, T* __restrict even, T* __restrict odd) {
  using W = Wavelet<T>;
  for (int64_t m = 0; m < count; m++) {
    even[m] = W::low[1] * a[m] + W::low[3] * a[m - 1] + W::high[1] * v[m] + W::high[3] * v[m - 1];
    odd[m] = W::low[2] * a[m] + W::low[0] * a[m + 1] + W::high[2] * v[m] + W::high[0] * v[m + 1];
  }
}

template <class T>
__attribute__((noinline)) void unfilter_down(const T* __restrict low, const T* __restrict high, T of_low, T of_high, int64_t count, bool first,
                                             T* __restrict out) {
  if (first)
    for (int64_t j = 0; j < count; j++) out[j] = of_low * low[j] + of_high * high[j];
  else
    for (int64_t j = 0; j < count; j++) out[j] += of_low * low[j] + of_high * high[j];
}

// --- one scale ------------------------------------------------------------------------------------------------------------------------

template <class T>
class DetailScale {
 public:
  static int64_t bytes(const Detail& job) { return (int64_t)sizeof(T) * (kFullLines * full(job) + kHalfLines * half(job)) + 64; }

  DetailScale(const Detail& job, T* scratch) : job_(job), next_(scratch) {
    h_ = job.height;
    w_ = job.width;
    rows_ = (h_ + 1) / 2;
    columns_ = (w_ + 1) / 2;
    how_.limit = (T)job.limit;
    how_.cosine = (T)job.cosine;
    for (int b = 0; b < kBands; b++) how_.weights[b] = (T)job.weights[b];
    top_ = border(rows_);
    left_ = border(columns_);
    for (T*& line : rooms_) line = take(full(job));
    low_ = take(full(job));
    high_ = take(full(job));
    line_ = take(full(job));
    even_ = take(half(job));
    odd_ = take(half(job));
    sums_ = take(half(job));
    threshold_ = take(half(job));
    of_added_ = take(half(job));
    approximation_[0] = take(half(job));
    approximation_[1] = take(half(job));
    for (int slot = 0; slot < kBandRing; slot++) {
      for (int b = 0; b < kBands; b++) {
        original_[slot][b] = take(half(job));
        distorted_[slot][b] = take(half(job));
        restored_[slot][b] = take(half(job));
        slopes_[slot][b] = take(half(job));
      }
      added_[slot] = take(half(job));
      of_threshold_[slot] = take(half(job));
      for (int which = 0; which < 2; which++) {
        of_low_[slot][which] = take(full(job));
        of_high_[slot][which] = take(full(job));
      }
    }
    for (int which = 0; which < 2; which++)
      for (int b = 0; b < kBands; b++) of_bands_[which][b] = take(half(job));
    of_approximation_ = take(half(job));
  }

  // Rows [from, to) of the bands of a plane: approximations and sums, or the gradient.
  void run(int64_t plane, int64_t from, int64_t to) {
    plane_ = plane;
    from_ = from;
    to_ = to;
    const bool gradient = job_.grad_x.data;
    // Where a stage begins: each needs the rows around its own of the one before.
    const int64_t before = gradient ? 3 : 1;
    banded_ = from > before ? from - before : 0;
    unmasked_ = from > 2 ? from - 2 : 0;
    unbanded_ = from > 1 ? from - 1 : 0;
    for (int64_t row = from; row < to; row++) {
      if (!gradient) {
        need_bands(row + 1);
        mask(row);
        continue;
      }
      need_unbanded(row + 1);
      write_rows(row);
    }
  }

 private:
  static constexpr int kFullLines = 8 + 3 + 4 * kBandRing, kHalfLines = 5 + 2 + kBandRing * (4 * kBands + 2) + 2 * kBands + 1;
  static int64_t full(const Detail& job) { return job.width + 2 * kMargin; }
  static int64_t half(const Detail& job) { return (job.width + 1) / 2 + 2 * kMargin; }

  T* take(int64_t length) {
    T* line = next_ + kMargin;
    next_ += length;
    return line;
  }

  static int64_t border(int64_t size) {
    const double tenth = size * 0.1 - 0.5;
    return tenth > 0 ? (int64_t)tenth : 0;
  }

  bool counts(int64_t row) const { return row >= top_ && row < rows_ - top_; }
  int slot(int64_t row) const { return (int)(row % kBandRing); }
  int64_t above(int64_t row) const { return row > 0 ? row - 1 : rows_ > 1 ? 1 : 0; }
  int64_t below(int64_t row) const { return row + 1 < rows_ ? row + 1 : rows_ - 1; }

  // A column before and one after, as the threshold sees them.
  void border_columns(T* line) const {
    line[-1] = line[columns_ > 1 ? 1 : 0];
    line[columns_] = line[columns_ - 1];
  }

  void need_bands(int64_t row) {
    for (; banded_ <= row && banded_ < rows_; banded_++) bands(banded_);
  }

  void bands(int64_t row) {
    const int s = slot(row);
    for (int which = 0; which < 2; which++) {
      const Image& image = which ? job_.y : job_.x;
      const T shift = job_.stored ? T(0) : ((const T*)job_.centres[which])[plane_];
      const T* lines[4];
      for (int k = 0; k < 4; k++) {
        int64_t r = 2 * row - 1 + k;
        r = r < 0 ? 1 : r >= h_ ? 2 * h_ - 1 - r : r;
        lines[k] = row_of(image, plane_, r, w_, rooms_[4 * which + k]);
      }
      filter_down(lines[0], lines[1], lines[2], lines[3], shift, w_, low_, high_);
      T** bands = which ? original_[s] : distorted_[s];
      T* approximation = approximation_[which];
      for (int vertical = 0; vertical < 2; vertical++) {
        T* line = vertical ? high_ : low_;
        line[-1] = line[1];
        line[w_] = line[w_ - 1];
        line[w_ + 1] = line[w_ - 2];
        part(line - 1, columns_ + 1, odd_, even_);
        filter_across(odd_, even_, columns_, vertical ? bands[0] : approximation, vertical ? bands[2] : bands[1]);
      }
      void* coarse = which ? job_.coarse_y : job_.coarse_x;
      if (coarse && row >= from_ && row < to_)
        __builtin_memcpy((T*)coarse + (plane_ * rows_ + row) * columns_, approximation, columns_ * sizeof(T));
    }
    T **o = original_[s], **t = distorted_[s], **r = restored_[s];
    restore(how_, o[0], o[1], o[2], t[0], t[1], t[2], columns_, r[0], r[1], r[2], added_[s]);
  }

  void find_threshold(int64_t row) {
    add_three(added_[slot(above(row))], added_[slot(row)], added_[slot(below(row))], columns_, sums_);
    border_columns(sums_);
    threshold_row(sums_, added_[slot(row)], columns_, threshold_);
  }

  void mask(int64_t row) {
    double* sums = job_.row_sums + (plane_ * rows_ + row) * 2 * kBands;
    for (int k = 0; k < 2 * kBands; k++) sums[k] = 0;
    if (!counts(row)) return;
    find_threshold(row);
    sum_cubes(restored_[slot(row)], original_[slot(row)], threshold_, how_, left_, columns_ - left_, sums);
  }

  // --- the gradient ---

  T upstream(int which, int band) const { return (T)job_.upstream[(plane_ * 2 + which) * kBands + band]; }

  void need_unmasked(int64_t row) {
    for (; unmasked_ <= row && unmasked_ < rows_; unmasked_++) {
      need_bands(unmasked_ + 1);
      unmask(unmasked_);
    }
  }

  void unmask(int64_t row) {
    const int s = slot(row);
    for (int64_t j = 0; j < columns_; j++) of_threshold_[s][j] = T(0);
    for (int b = 0; b < kBands; b++)
      for (int64_t j = 0; j < columns_; j++) slopes_[s][b][j] = T(0);
    if (!counts(row)) return;
    find_threshold(row);
    for (int b = 0; b < kBands; b++)
      unmask_row(restored_[s][b], threshold_, how_.weights[b], upstream(0, b), left_, columns_ - left_, slopes_[s][b], of_threshold_[s]);
  }

  void need_unbanded(int64_t row) {
    for (; unbanded_ <= row && unbanded_ < rows_; unbanded_++) {
      need_unmasked(unbanded_ + 1);
      unband(unbanded_);
    }
  }

  // The derivative with respect to what was added: the transposed box, with the borders folded back.
  void find_of_added(int64_t row) {
    const T* here = of_threshold_[slot(row)];
    for (int64_t j = 0; j < columns_; j++) sums_[j] = here[j];
    const auto add = [&](int64_t other) { add_line(of_threshold_[slot(other)], T(1), columns_, false, sums_); };
    if (row > 0) add(row - 1);
    if (row + 1 < rows_) add(row + 1);
    if (row == (rows_ > 1 ? 1 : 0)) add(0);
    if (row == rows_ - 1) add(row);
    sums_[-1] = sums_[columns_] = T(0);
    threshold_row(sums_, here, columns_, of_added_);
    of_added_[columns_ > 1 ? 1 : 0] += sums_[0] * T(1.0 / 30);
    of_added_[columns_ - 1] += sums_[columns_ - 1] * T(1.0 / 30);
  }

  void unband(int64_t row) {
    const int s = slot(row);
    find_of_added(row);
    T **o = original_[s], **t = distorted_[s];
    for (int b = 0; b < kBands; b++) {
      unrestore_row(o[b], t[b], o[0], o[1], t[0], t[1], slopes_[s][b], of_added_, how_, how_.weights[b], columns_, of_bands_[0][b],
                    of_bands_[1][b]);
      if (counts(row)) add_held_slope(o[b], how_.weights[b], upstream(1, b), left_, columns_ - left_, of_bands_[1][b]);
    }
    for (int which = 0; which < (job_.grad_y.data ? 2 : 1); which++) {
      const void* coarse = which ? job_.of_coarse_y : job_.of_coarse_x;
      for (int64_t j = 0; j < columns_; j++)
        of_approximation_[j] = coarse ? ((const T*)coarse)[(plane_ * rows_ + row) * columns_ + j] : T(0);
      T** bands = of_bands_[which];
      unfilter_line(of_approximation_, bands[1], of_low_[s][which]);
      unfilter_line(bands[0], bands[2], of_high_[s][which]);
    }
  }

  // A line of the transposed wavelet along the row, its borders folded back.
  void unfilter_line(T* a, T* v, T* out) {
    using W = Wavelet<T>;
    a[-1] = v[-1] = a[columns_] = v[columns_] = T(0);
    unfilter_across(a, v, columns_ + 1, even_, odd_);
    interleave(even_, odd_, columns_ + 1, out);
    out[1] += W::low[0] * a[0] + W::high[0] * v[0];  // column -1
    if (w_ % 2 == 0) {
      out[w_ - 1] += out[w_];
    } else {
      out[w_ - 1] += out[w_];
      out[w_ - 2] += out[w_ + 1];
    }
  }

  // Rows 2 row and 2 row + 1 of the gradient, from the lines of the bands around.
  void write_rows(int64_t row) {
    using W = Wavelet<T>;
    for (int which = 0; which < (job_.grad_y.data ? 2 : 1); which++)
      for (int64_t r = 2 * row; r < 2 * row + 2 && r < h_; r++) {
        const Image& gradient = which ? job_.grad_y : job_.grad_x;
        T* place = (T*)gradient.data + gradient.stride[0] * plane_ + gradient.stride[2] * r;
        T* out = gradient.stride[3] == 1 ? place : line_;
        bool first = true;
        for (int64_t b = row > 0 ? row - 1 : 0; b <= row + 1 && b < rows_; b++)
          for (int k = 0; k < 4; k++) {
            int64_t shown = 2 * b - 1 + k;
            shown = shown < 0 ? 1 : shown >= h_ ? 2 * h_ - 1 - shown : shown;
            if (shown != r) continue;
            unfilter_down(of_low_[slot(b)][which], of_high_[slot(b)][which], W::low[k], W::high[k], w_, first, out);
            first = false;
          }
        if (out != place)
          for (int64_t c = 0; c < w_; c++) place[c * gradient.stride[3]] = out[c];
      }
  }

  const Detail& job_;
  T* next_;
  int64_t h_, w_, rows_, columns_;
  int64_t top_, left_;  // rows and columns of bands that do not count, at each side
  Restoring<T> how_;
  int64_t plane_, from_, to_;
  int64_t banded_, unmasked_, unbanded_;  // the next row of each stage
  T *rooms_[8], *low_, *high_, *line_, *even_, *odd_, *sums_, *threshold_, *of_added_, *approximation_[2], *of_approximation_;
  T *original_[kBandRing][kBands], *distorted_[kBandRing][kBands], *restored_[kBandRing][kBands], *slopes_[kBandRing][kBands];
  T *added_[kBandRing], *of_threshold_[kBandRing], *of_low_[kBandRing][2], *of_high_[kBandRing][2], *of_bands_[2][kBands];
};

template <class T>
void detail_of(const Detail& job, int share, int shares, T* scratch) {
  DetailScale<T> scale(job, scratch);
  const int64_t rows = (job.height + 1) / 2, all = job.planes * rows;
  for (int64_t at = all * share / shares, end = all * (share + 1) / shares; at < end;) {
    const int64_t plane = at / rows, to = end < (plane + 1) * rows ? end : (plane + 1) * rows;
    scale.run(plane, at - plane * rows, to - plane * rows);
    at = to;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
