// The mean deviation of the fourth root of a similarity of gradients and colours, and its gradient; see functional/mdsi.py.
//
//   kRoots       gradients of the luma, point by point with the colours  -> the fourth root of each position, its sums
//   kDistances   these roots                                             -> sums of their distances from the mean, and of the directions
//   kDerivatives the first again, then the transposed filter             -> the gradient of the planes
//
// The root of a negative similarity is complex. It is stored as minus its size.

#pragma once

#include "edge_means.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class T>
struct DeviationCurve {
  static constexpr T kHalfRoot = T(0.70710678118654752440), kSteepest = T(1e-4);
  static constexpr T kTiny = sizeof(T) == 4 ? T(1.1754943508222875e-38) : T(2.2250738585072014e-308);
  SimilarityCurve<T> of_both, of_mean;
  T alpha, c3, scale, mean_real, mean_imaginary, towards_real, towards_imaginary, least;

  explicit DeviationCurve(const SimilarityDeviation& job, int64_t image)
      : of_both((T)job.constants[0], T(0)), of_mean((T)job.constants[1], T(0)), alpha((T)job.alpha), c3((T)job.constants[2]), scale((T)job.scale),
        mean_real(0), mean_imaginary(0), towards_real(0), towards_imaginary(0), least(square_root(kTiny)) {
    if (job.step == kRoots) return;
    const double* means = job.means + 4 * image;
    mean_real = (T)means[0];
    mean_imaginary = (T)means[1];
    towards_real = (T)means[2];
    towards_imaginary = (T)means[3];
  }

  // The distance of a root from the mean, and its direction.
  INLINE T distance(T root, T& real, T& imaginary) const {
    const T size = magnitude(root), half = kHalfRoot * size;
    real = (root < 0 ? half : size) - mean_real;
    imaginary = (root < 0 ? half : T(0)) - mean_imaginary;
    const T length = square_root(real * real + imaginary * imaginary + kTiny), over = 1 / length;
    real *= over;
    imaginary *= over;
    return length - least;
  }

  // The derivative with respect to a similarity whose root has this direction from the mean.
  INLINE T derivative(T similarity, T real, T imaginary) const {
    const T size = magnitude(similarity), held = size < kSteepest ? kSteepest : size, root = square_root(square_root(held));
    const T along = real - towards_real, across = imaginary - towards_imaginary;
    const T found = scale * (similarity < 0 ? -kHalfRoot * (along + across) : along) * T(0.25) / (root * root * root);
    return similarity == 0 ? T(0) : found;
  }
};

// From slopes and colours of both images: the roots, or, in place of slopes and colours, derivatives (WANTED: of x, or of both).
template <class T, int WANTED>
__attribute__((noinline)) void deviation_row(const DeviationCurve<T>& given, int64_t w, T* __restrict x0, T* __restrict x1, T* __restrict y0,
                                             T* __restrict y1, T* __restrict h_x, T* __restrict m_x, T* __restrict h_y, T* __restrict m_y,
                                             T* __restrict roots) {
  const DeviationCurve<T> curve = given;
  for (int64_t j = 0; j < w; j++) {
    const T f0 = T(0.5) * (x0[j] + y0[j]), f1 = T(0.5) * (x1[j] + y1[j]);
    T both[4], of_x[4], of_y[4];  // derivatives: of x and y, of x and the mean, of y and the mean
    const T gradients = (1 - curve.of_both(x0[j], x1[j], y0[j], y1[j], both)) +
                        (curve.of_mean(y0[j], y1[j], f0, f1, of_y) - curve.of_mean(x0[j], x1[j], f0, f1, of_x));
    const T h = h_x[j] - h_y[j], m = m_x[j] - m_y[j];
    const T over = 1 / (h_x[j] * h_x[j] + h_y[j] * h_y[j] + m_x[j] * m_x[j] + m_y[j] * m_y[j] + curve.c3), unlike = (h * h + m * m) * over;
    const T colors = 1 - unlike, similarity = colors + curve.alpha * (gradients - colors);
    const T root = square_root(square_root(magnitude(similarity))), signed_root = similarity < 0 ? -root : root;
    if (!WANTED) {
      roots[j] = signed_root;
      continue;
    }
    T real, imaginary;
    curve.distance(signed_root, real, imaginary);
    const T of_similarity = curve.derivative(similarity, real, imaginary), of_gradients = curve.alpha * of_similarity;
    const T of_colors = 2 * (of_similarity - of_gradients) * over;
    const T of_mean0 = T(0.5) * (of_y[2] - of_x[2]), of_mean1 = T(0.5) * (of_y[3] - of_x[3]);
    x0[j] = of_gradients * (of_mean0 - both[0] - of_x[0]);
    x1[j] = of_gradients * (of_mean1 - both[1] - of_x[1]);
    y0[j] = of_gradients * (of_mean0 - both[2] + of_y[0]);
    y1[j] = of_gradients * (of_mean1 - both[3] + of_y[1]);
    h_x[j] = of_colors * (unlike * h_x[j] - h);
    m_x[j] = of_colors * (unlike * m_x[j] - m);
    if (WANTED < 2) continue;
    h_y[j] = of_colors * (unlike * h_y[j] + h);
    m_y[j] = of_colors * (unlike * m_y[j] + m);
  }
}

// Sums of a row, in the order of 16 parts: of real and imaginary parts of roots, or of distances and directions.
template <class T, bool DISTANCES>
__attribute__((noinline)) void deviation_sums(const DeviationCurve<T>& given, const T* __restrict roots, int64_t w, double* sums) {
  constexpr int kParts = 16;
  const DeviationCurve<T> curve = given;
  T parts[3][kParts] = {};
  const auto add = [&](int64_t j, int k) INLINE_LAMBDA {
    T real, imaginary, distance = T(0);
    if (DISTANCES) {
      distance = curve.distance(roots[j], real, imaginary);
    } else {
      const T size = magnitude(roots[j]), half = curve.kHalfRoot * size;
      real = roots[j] < 0 ? half : size;
      imaginary = roots[j] < 0 ? half : T(0);
    }
    parts[0][k] += real;
    parts[1][k] += imaginary;
    parts[2][k] += distance;
  };
  int64_t j = 0;
  for (; j + kParts <= w; j += kParts)
    for (int k = 0; k < kParts; k++) add(j + k, k);
  for (; j < w; j++) add(j, 0);
  for (int which = 0; which < 3; which++) {
    sums[which] = 0;
    for (int k = 0; k < kParts; k++) sums[which] += parts[which][k];
  }
}

template <class T>
class DeviationRows {
 public:
  static constexpr int kLines = 2 * 3 * kEdgeRing + 2 * 2 + 1 + 3;
  static int64_t length(const SimilarityDeviation& job) { return job.width + 2 * kEdgeMargin; }
  static int64_t bytes(const SimilarityDeviation& job) { return (int64_t)sizeof(T) * kLines * length(job); }

  DeviationRows(const SimilarityDeviation& job, T* scratch) : job_(job), next_(scratch), w_(job.width), h_(job.height) {
    for (int which = 0; which < 2; which++) {
      for (int slot = 0; slot < kEdgeRing; slot++) {
        luma_[which][slot] = take();
        for (int of = 0; of < 2; of++) slopes_[which][of][slot] = take();
      }
      for (T*& line : colors_[which]) line = take();
    }
    nothing_ = take();
    for (int64_t j = 0; j < w_; j++) nothing_[j] = T(0);
    for (T*& line : rooms_) line = take();
  }

  // Rows [from, to) of an image.
  void run(int64_t image, int64_t from, int64_t to) {
    image_ = image;
    const DeviationCurve<T> curve(job_, image);
    if (job_.step == kDistances) {
      for (int64_t row = from; row < to; row++) deviation_sums<T, true>(curve, roots(row), w_, sums(row));
      return;
    }
    const bool wanted = job_.step == kDerivatives;
    int64_t next = wanted && from > 0 ? from - 1 : from;
    read_ = next > 0 ? next - 1 : 0;
    for (int64_t row = from; row < to; row++) {
      for (const int64_t last = wanted && row + 1 < h_ ? row + 1 : row; next <= last; next++) {
        measure(curve, next);
        if (wanted && next >= from && next < to) write_colors(next);
      }
      if (wanted) write_luma(row);
    }
  }

 private:
  // A line with zeros around it.
  T* take() {
    T* line = next_ + kEdgeMargin;
    next_ += length(job_);
    for (int64_t j = 1; j <= kEdgeMargin; j++) line[-j] = line[w_ + j - 1] = T(0);
    return line;
  }

  static int slot(int64_t row) { return (int)(row % kEdgeRing); }
  const Image& gradient(int which) const { return which ? job_.grad_y : job_.grad_x; }
  T* roots(int64_t row) const { return (T*)job_.roots + (image_ * h_ + row) * w_; }
  double* sums(int64_t row) const { return job_.row_sums + 3 * (image_ * h_ + row); }
  const T* luma(int which, int64_t row) const { return row < 0 || row >= h_ ? nothing_ : luma_[which][slot(row)]; }
  T* slopes(int which, int of, int64_t row) const { return row < 0 || row >= h_ ? nothing_ : slopes_[which][of][slot(row)]; }

  void read(int which, int channel, int64_t row, T* line) const {
    const Image& image = which ? job_.y : job_.x;
    read_line(image, start_of(image, 3 * image_ + channel, 3, row, 0), w_, T(0), line);
  }

  void measure(const DeviationCurve<T>& curve, int64_t row) {
    for (const int64_t last = row + 1 < h_ ? row + 1 : row; read_ <= last; read_++)
      for (int which = 0; which < 2; which++) read(which, 0, read_, luma_[which][slot(read_)]);
    for (int which = 0; which < 2; which++) {
      smoothed_slopes<T, 1, 1>(luma(which, row - 1), luma(which, row), luma(which, row + 1), w_, slopes(which, 0, row), slopes(which, 1, row));
      for (int channel = 1; channel < 3; channel++) read(which, channel, row, colors_[which][channel - 1]);
    }
    T *x0 = slopes(0, 0, row), *x1 = slopes(0, 1, row), *y0 = slopes(1, 0, row), *y1 = slopes(1, 1, row);
    T **x = colors_[0], **y = colors_[1];
    if (job_.step == kRoots) {
      deviation_row<T, 0>(curve, w_, x0, x1, y0, y1, x[0], x[1], y[0], y[1], roots(row));
      deviation_sums<T, false>(curve, roots(row), w_, sums(row));
    } else if (job_.grad_y.data) {
      deviation_row<T, 2>(curve, w_, x0, x1, y0, y1, x[0], x[1], y[0], y[1], nullptr);
    } else {
      deviation_row<T, 1>(curve, w_, x0, x1, y0, y1, x[0], x[1], y[0], y[1], nullptr);
    }
  }

  void write_colors(int64_t row) const {
    for (int which = 0; which < 2; which++)
      for (int channel = 1; gradient(which).data && channel < 3; channel++) write(which, channel, row, colors_[which][channel - 1]);
  }

  void write_luma(int64_t row) const {
    for (int which = 0; which < 2; which++) {
      if (!gradient(which).data) continue;
      const T *across[3], *down[3];
      for (int k = 0; k < 3; k++) {
        across[k] = slopes(which, 0, row + k - 1);
        down[k] = slopes(which, 1, row + k - 1);
      }
      spread_slopes<T, 1, 1>(across, down, w_, rooms_[0], rooms_[1], rooms_[2], false);
      write(which, 0, row, rooms_[2]);
    }
  }

  void write(int which, int channel, int64_t row, const T* __restrict from) const {
    const Image& image = gradient(which);
    T* out = (T*)image.data + start_of(image, 3 * image_ + channel, 3, row, 0);
    const int64_t step = image.stride[3];
    for (int64_t j = 0; j < w_; j++) out[j * step] = from[j];
  }

  const SimilarityDeviation& job_;
  T* next_;
  const int64_t w_, h_;
  int64_t image_ = 0, read_ = 0;
  T *luma_[2][kEdgeRing], *slopes_[2][2][kEdgeRing], *colors_[2][2], *nothing_, *rooms_[3];
};

template <class T>
void similarity_deviation_of(const SimilarityDeviation& job, int share, int shares, T* scratch) {
  DeviationRows<T> rows(job, scratch);
  run_share(rows, job.count, job.height, share, shares);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
