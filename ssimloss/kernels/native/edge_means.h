// Small filters of one or two images, a curve of what they find, and the sum of it; or the gradient of the images.
//
//   filter    the rows around           -> slopes of x and y: across and down, or the Laplacian alone
//   curve     position by position      -> value; derivatives in place of the slopes
//   spread    transposed filter         -> a row of the gradient, a row behind
//
// A share has rows of its own and filters the one before and the one after again: no two shares write to the same place, and results do not
// depend on how many there are. Differences are taken before they are smoothed, as in image_gradients.py.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kEdgeRing = 4;
constexpr int64_t kEdgeMargin = 16;

// --- filters --------------------------------------------------------------------------------------------------------------------------

// Of the rows above, here and below, which have a pixel before and one after.
template <class T, int SIDE, int MIDDLE>
__attribute__((noinline)) void smoothed_slopes(const T* __restrict a, const T* __restrict b, const T* __restrict c, int64_t w, T* __restrict across,
                                               T* __restrict down) {
  for (int64_t j = 0; j < w; j++) {
    across[j] = T(SIDE) * ((a[j + 1] - a[j - 1]) + (c[j + 1] - c[j - 1])) + T(MIDDLE) * (b[j + 1] - b[j - 1]);
    down[j] = T(SIDE) * ((c[j - 1] - a[j - 1]) + (c[j + 1] - a[j + 1])) + T(MIDDLE) * (c[j] - a[j]);
  }
}

// Its transpose, where the slopes are 0 before the first column and after the last; lines have room for two of these.
template <class T, int SIDE, int MIDDLE>
__attribute__((noinline)) void spread_slopes(const T* const* across, const T* const* down, int64_t w, T* __restrict of_across, T* __restrict of_down,
                                             T* __restrict out, bool add) {
  const T *__restrict a = across[0], *__restrict b = across[1], *__restrict c = across[2], *__restrict d = down[0], *__restrict e = down[2];
  for (int64_t j = -2; j < w + 2; j++) {
    of_across[j] = T(SIDE) * (a[j] + c[j]) + T(MIDDLE) * b[j];
    of_down[j] = d[j] - e[j];
  }
#define SPREAD(assign)                                                                                                              \
  for (int64_t j = -1; j <= w; j++)                                                                                                 \
    out[j] assign (of_across[j - 1] - of_across[j + 1]) + (T(SIDE) * (of_down[j - 1] + of_down[j + 1]) + T(MIDDLE) * of_down[j]);
  if (add)
    SPREAD(+=)
  else
    SPREAD(=)
#undef SPREAD
}

template <class T>
__attribute__((noinline)) void laplacian_row(const T* __restrict a, const T* __restrict b, const T* __restrict c, int64_t w, T* __restrict out) {
  for (int64_t j = 0; j < w; j++) out[j] = ((b[j + 1] - b[j]) + (b[j - 1] - b[j])) + ((c[j] - b[j]) + (a[j] - b[j]));
}

template <class T>
__attribute__((noinline)) void spread_laplacian(const T* __restrict a, const T* __restrict b, const T* __restrict c, int64_t w, T* __restrict out,
                                                bool add) {
#define SPREAD(assign) \
  for (int64_t j = -1; j <= w; j++) out[j] assign (a[j] + c[j]) + (b[j - 1] + b[j + 1]) - 4 * b[j];
  if (add)
    SPREAD(+=)
  else
    SPREAD(=)
#undef SPREAD
}

// Each pixel's right and lower neighbour less itself; 0 where there is none.
template <class T>
__attribute__((noinline)) void neighbour_slopes(const T* __restrict b, const T* __restrict c, bool last, int64_t w, T* __restrict across,
                                                T* __restrict down) {
  for (int64_t j = 0; j + 1 < w; j++) across[j] = b[j + 1] - b[j];
  across[w - 1] = 0;
  for (int64_t j = 0; j < w; j++) down[j] = last ? T(0) : c[j] - b[j];
}

template <class T>
__attribute__((noinline)) void spread_neighbours(const T* __restrict across, const T* __restrict above, const T* __restrict here, bool last, int64_t w,
                                                 T* __restrict out) {
  // Where a neighbour is missing, the derivative of its curve is not that of a pixel.
  for (int64_t j = 0; j < w; j++) out[j] = (across[j - 1] - (j + 1 < w ? across[j] : T(0))) + (above[j] - (last ? T(0) : here[j]));
}

// --- curves ---------------------------------------------------------------------------------------------------------------------------
//
// Each returns the value of a position from the slopes (x0, x1) of x and (y0, y1) of y, and its derivatives with respect to these four.

template <class T>
INLINE T sign_like(T d) { return d > 0 ? T(1) : d < 0 ? T(-1) : d; }  // 0 of 0, NaN of NaN

// 1 - ((2 - a) g_x g_y + c) / (g_x^2 + g_y^2 - a g_x g_y + c); see length_similarity of _gradient_similarity.py.
template <class T>
struct SimilarityCurve {
  static constexpr bool kTwo = true;
  T constant, masking, least;
  explicit SimilarityCurve(const EdgeMeans& job) : SimilarityCurve((T)job.numbers[0], (T)job.numbers[1]) {}
  SimilarityCurve(T c, T a)
      : constant(c), masking(a), least(sizeof(T) == 4 ? T(1.1754943508222875e-38 / 1.1920928955078125e-7)
                                                      : T(2.2250738585072014e-308 / 2.220446049250313e-16)) {}
  INLINE T operator()(T x0, T x1, T y0, T y1, T* slopes) const {
    const T xx = x0 * x0 + x1 * x1, yy = y0 * y0 + y1 * y1, squares = xx * yy;
    const bool corner = squares < least;
    const T root = square_root(corner ? T(1) : squares), product = corner ? x0 * y0 + x1 * y1 : root;
    // (|x| - |y|)^2 is d^2 / (|x| + |y|)^2, with the difference d of the squares from that of the slopes: nothing cancels.
    const T off0 = x0 - y0, off1 = x1 - y1, d = off0 * (x0 + y0) + off1 * (x1 + y1), both = xx + yy + 2 * root;
    const T bottom = xx + yy + constant - masking * product, over_all = 1 / (bottom * both), over = over_all * both;
    const T value = corner ? (off0 * off0 + off1 * off1) * over : d * d * over_all;
    const T of_square = 2 * (1 - value) * over, of_product = (masking * value - 2) * over;
    const T x_by_y = corner ? of_product : T(0);
    // 2 (1 - u) - (2 - a u) |y| / |x|, likewise.
    const T x_by_x = corner ? of_square : over * (2 * d / (xx + root) - value * (2 - masking * (yy / root)));
    const T y_by_y = corner ? of_square : over * (-2 * d / (yy + root) - value * (2 - masking * (xx / root)));
    slopes[0] = x_by_x * x0 + x_by_y * y0;
    slopes[1] = x_by_x * x1 + x_by_y * y1;
    slopes[2] = y_by_y * y0 + x_by_y * x0;
    slopes[3] = y_by_y * y1 + x_by_y * x1;
    return value;
  }
};

// Sums of both slopes' distances, which have weights.
template <class T, int KIND>
struct DistanceCurve {
  static constexpr bool kTwo = false;
  T across, down, floor;
  explicit DistanceCurve(const EdgeMeans& job) : across((T)job.weights[0]), down((T)job.weights[1]), floor((T)(job.numbers[0] * job.numbers[0])) {}
  INLINE T one(T d, T& slope) const {
    if (KIND == kL1) {
      slope = sign_like(d);
      return magnitude(d);
    }
    if (KIND == kL2) {
      slope = 2 * d;
      return d * d;
    }
    const T root = square_root(d * d + floor);
    slope = d / root;
    return root;
  }
  INLINE T operator()(T x0, T x1, T, T, T* slopes) const {
    const T first = across * one(x0, slopes[0]), second = down * one(x1, slopes[1]);
    slopes[0] *= across;
    slopes[1] *= down;
    return first + second;
  }
};

// sqrt(x0^2 + x1^2), with the derivative 0 at 0.
template <class T>
struct LengthCurve {
  static constexpr bool kTwo = false;
  T weight;
  explicit LengthCurve(const EdgeMeans& job) : weight((T)job.weights[0]) {}
  INLINE T operator()(T x0, T x1, T, T, T* slopes) const {
    const T square = x0 * x0 + x1 * x1, root = square_root(square == 0 ? T(1) : square), factor = square == 0 ? T(0) : weight / root;
    slopes[0] = factor * x0;
    slopes[1] = factor * x1;
    return square == 0 ? T(0) : weight * root;
  }
};

// ||x| - |y|| or its square, of both slopes; the derivative of |x| at 0 is the sign of y, as in _corners.py.
template <class T, bool SQUARED>
struct StrengthCurve {
  static constexpr bool kTwo = true;
  T across, down;
  explicit StrengthCurve(const EdgeMeans& job) : across((T)job.weights[0]), down((T)job.weights[1]) {}
  INLINE T one(T x, T y, T weight, T& of_x, T& of_y) const {
    const T d = magnitude(x) - magnitude(y), slope = weight * (SQUARED ? 2 * d : sign_like(d));
    of_x = slope * sign_like(x == 0 ? y : x);
    of_y = -slope * sign_like(y == 0 ? x : y);
    return weight * (SQUARED ? d * d : magnitude(d));
  }
  INLINE T operator()(T x0, T x1, T y0, T y1, T* slopes) const {
    const T first = one(x0, y0, across, slopes[0], slopes[2]);
    return first + one(x1, y1, down, slopes[1], slopes[3]);
  }
};

// values[j], and the derivatives in place of the slopes, times `scale`, of which WANTED images: 0, 1 or 2. CENTRED: and times twice the
// distance of the value from `mean`.
template <class T, int WANTED, bool CENTRED, class Curve>
__attribute__((noinline)) void curve_row(const Curve& given, T scale, T mean, int64_t w, T* __restrict x0, T* __restrict x1, T* __restrict y0,
                                         T* __restrict y1, T* __restrict values) {
  const Curve curve = given;
  for (int64_t j = 0; j < w; j++) {
    T slopes[4];
    const T value = curve(x0[j], x1[j], Curve::kTwo ? y0[j] : T(0), Curve::kTwo ? y1[j] : T(0), slopes);
    values[j] = value;
    const T factor = CENTRED ? scale * 2 * (value - mean) : scale;
    if (WANTED) {
      x0[j] = factor * slopes[0];
      x1[j] = factor * slopes[1];
    }
    if (Curve::kTwo && WANTED == 2) {
      y0[j] = factor * slopes[2];
      y1[j] = factor * slopes[3];
    }
  }
}

// The values of a row of pixels whose slopes are differences to the right and the lower neighbour, and are not kept.
template <class T, class Curve>
__attribute__((noinline)) void neighbour_values(const Curve& given, const T* __restrict b, const T* __restrict c, bool last, int64_t w,
                                                T* __restrict values) {
  const Curve curve = given;
  T slopes[4];
  if (last)
    for (int64_t j = 0; j + 1 < w; j++) values[j] = curve(b[j + 1] - b[j], T(0), T(0), T(0), slopes);
  else
    for (int64_t j = 0; j + 1 < w; j++) values[j] = curve(b[j + 1] - b[j], c[j] - b[j], T(0), T(0), slopes);
  values[w - 1] = curve(T(0), last ? T(0) : c[w - 1] - b[w - 1], T(0), T(0), slopes);
}

// The sum of a row, and (`spread`) that of the squares of its distances from its mean. In the order of 16 parts.
template <class T>
__attribute__((noinline)) void sum_and_spread(const T* __restrict values, int64_t w, bool spread, double* sums) {
  constexpr int kParts = 16;
  double found[2] = {0, 0};
  T mean = 0;
  sums[1] = 0;
  for (int which = 0; which < (spread ? 2 : 1); which++) {
    T parts[kParts] = {};
    int64_t j = 0;
#define ADD(k, value)                        \
  {                                          \
    const T v = (value);                     \
    parts[k] += which ? (v - mean) * (v - mean) : v; \
  }
    for (; j + kParts <= w; j += kParts)
      for (int k = 0; k < kParts; k++) ADD(k, values[j + k])
    for (; j < w; j++) ADD(0, values[j])
#undef ADD
    for (int k = 0; k < kParts; k++) found[which] += parts[k];
    mean = (T)(found[0] / (double)w);
  }
  // About the mean itself, of which `mean` is the nearest number.
  const double off = found[0] / (double)w - (double)mean;
  sums[0] = found[0];
  if (spread) sums[1] = found[1] - off * off * (double)w;
}

// --- one share ------------------------------------------------------------------------------------------------------------------------

template <class T>
class EdgeRows {
 public:
  static constexpr int kLines = 2 * kEdgeRing + 4 * kEdgeRing + 6;
  static int64_t length(const EdgeMeans& job) { return job.width + 2 * kEdgeMargin; }
  static int64_t bytes(const EdgeMeans& job) { return (int64_t)sizeof(T) * kLines * length(job); }

  EdgeRows(const EdgeMeans& job, T* scratch) : job_(job), next_(scratch), w_(job.width), h_(job.height) {
    two_ = job.curve == kSimilarityCurve || job.curve == kStrength || job.curve == kSquaredStrength;
    wanted_ = !job.grad_x.data && !job.grad_y.data ? 0 : two_ && job.grad_y.data ? 2 : 1;
    for (int which = 0; which < 2; which++)
      for (int slot = 0; slot < kEdgeRing; slot++) {
        seen_[which][slot] = pixels_[which][slot] = take();
        for (int of = 0; of < 2; of++) slopes_[which][of][slot] = take();
      }
    nothing_ = take();
    for (int64_t j = 0; j < w_; j++) nothing_[j] = T(0);  // working memory holds what it held
    for (T*& line : rooms_) line = take();
  }

  // Rows [from, to) of a plane: sums, and those of the gradient.
  void run(int64_t plane, int64_t from, int64_t to) {
    plane_ = plane;
    from_ = from;
    to_ = to;
    const int64_t measured = wanted_ && from > 0 ? from - 1 : from;
    read_ = measured > 0 ? measured - 1 : 0;
    int64_t next = measured;
    for (int64_t row = from; row < to; row++) {
      const int64_t last = wanted_ && row + 1 < h_ ? row + 1 : row;
      for (; next <= last; next++) measure(next);
      if (wanted_) write(row);
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

  void read(int64_t row) {
    T* x = pixels_[0][slot(row)];
    if (job_.filter == kNeighbours && !two_ && !job_.differs) {  // which reads nothing beyond the row
      seen_[0][slot(row)] = line_of(job_.x, start_of(job_.x, plane_, job_.channels, row, 0), w_, x);
      return;
    }
    read_line(job_.x, start_of(job_.x, plane_, job_.channels, row, 0), w_, T(0), x);
    if (two_ || job_.differs) {
      T* y = pixels_[1][slot(row)];
      read_line(job_.y, start_of(job_.y, plane_, job_.channels, row, 0), w_, T(0), y);
      if (two_) border(y);
      const T unit = (T)job_.unit;
      if (job_.differs)
        for (int64_t j = 0; j < w_; j++) x[j] = (x[j] - y[j]) * unit;
    }
    border(x);
  }

  void border(T* line) const {
    line[-1] = job_.border == kReplicate ? line[0] : T(0);
    line[w_] = job_.border == kReplicate ? line[w_ - 1] : T(0);
  }

  const T* pixels(int which, int64_t row) const {
    if (job_.border == kReplicate) return seen_[which][slot(clamped(row, h_))];
    return row < 0 || row >= h_ ? nothing_ : seen_[which][slot(row)];
  }

  T* slopes(int which, int of, int64_t row) const { return row < 0 || row >= h_ ? nothing_ : slopes_[which][of][slot(row)]; }

  void measure(int64_t row) {
    for (const int64_t last = row + 1 < h_ ? row + 1 : row; read_ <= last; read_++) read(read_);
    for (int which = 0; which < (two_ ? 2 : 1); which++) {
      const T *a = pixels(which, row - 1), *b = pixels(which, row), *c = pixels(which, row + 1);
      T *across = slopes(which, 0, row), *down = slopes(which, 1, row);
      switch (job_.filter) {
        case kPrewitt: smoothed_slopes<T, 1, 1>(a, b, c, w_, across, down); break;
        case kSobel: smoothed_slopes<T, 1, 2>(a, b, c, w_, across, down); break;
        case kScharr: smoothed_slopes<T, 3, 10>(a, b, c, w_, across, down); break;
        case kNeighbours:
          if (!values_alone()) neighbour_slopes(b, c, row + 1 == h_, w_, across, down);
          break;
        case kLaplacian:
          laplacian_row(a, b, c, w_, across);
          for (int64_t j = 0; j < w_; j++) down[j] = T(0);
          break;
      }
    }
    switch (job_.curve) {
      case kSimilarityCurve: apply<SimilarityCurve<T>>(row); break;
      case kMagnitude: apply<DistanceCurve<T, kL1>>(row); break;
      case kSquare: apply<DistanceCurve<T, kL2>>(row); break;
      case kSmooth: apply<DistanceCurve<T, kCharbonnier>>(row); break;
      case kLength: apply<LengthCurve<T>>(row); break;
      case kStrength: apply<StrengthCurve<T, false>>(row); break;
      case kSquaredStrength: apply<StrengthCurve<T, true>>(row); break;
    }
    if (job_.sums && row >= from_ && row < to_) sum_and_spread(rooms_[0], w_, job_.varies, job_.sums + 2 * (plane_ * h_ + row));
  }

  bool values_alone() const { return job_.filter == kNeighbours && !two_ && !wanted_; }

  template <class Curve>
  void apply(int64_t row) {
    const Curve curve(job_);
    const T scale = (T)(job_.scale * job_.unit), mean = job_.means ? (T)job_.means[plane_] : T(0);
    T *x0 = slopes(0, 0, row), *x1 = slopes(0, 1, row), *y0 = slopes(1, 0, row), *y1 = slopes(1, 1, row), *values = rooms_[0];
    if (!Curve::kTwo && values_alone())
      neighbour_values<T>(curve, pixels(0, row), pixels(0, row + 1), row + 1 == h_, w_, values);
    else if (!wanted_)
      curve_row<T, 0, false>(curve, scale, mean, w_, x0, x1, y0, y1, values);
    else if (!Curve::kTwo)
      curve_row<T, 1, false>(curve, scale, mean, w_, x0, x1, y0, y1, values);
    else if (wanted_ == 1)
      job_.means ? curve_row<T, 1, Curve::kTwo>(curve, scale, mean, w_, x0, x1, y0, y1, values)
                 : curve_row<T, 1, false>(curve, scale, mean, w_, x0, x1, y0, y1, values);
    else
      job_.means ? curve_row<T, 2, Curve::kTwo>(curve, scale, mean, w_, x0, x1, y0, y1, values)
                 : curve_row<T, 2, false>(curve, scale, mean, w_, x0, x1, y0, y1, values);
  }

  // rooms_[3] (+)= the transposed filter at a row, which may be the one before the image or after it.
  void spread(int which, int64_t row, bool add) {
    const T* across[3] = {slopes(which, 0, row - 1), slopes(which, 0, row), slopes(which, 0, row + 1)};
    const T* down[3] = {slopes(which, 1, row - 1), slopes(which, 1, row), slopes(which, 1, row + 1)};
    T* out = rooms_[3];
    switch (job_.filter) {
      case kPrewitt: spread_slopes<T, 1, 1>(across, down, w_, rooms_[1], rooms_[2], out, add); break;
      case kSobel: spread_slopes<T, 1, 2>(across, down, w_, rooms_[1], rooms_[2], out, add); break;
      case kScharr: spread_slopes<T, 3, 10>(across, down, w_, rooms_[1], rooms_[2], out, add); break;
      case kNeighbours: spread_neighbours(across[1], down[0], down[1], row + 1 == h_, w_, out); break;
      case kLaplacian: spread_laplacian(across[0], across[1], across[2], w_, out, add); break;
    }
  }

  void write(int64_t row) {
    for (int which = 0; which < (two_ ? 2 : 1); which++) {
      if (two_ && !(which ? job_.grad_y : job_.grad_x).data) continue;
      spread(which, row, false);
      if (job_.border == kReplicate && job_.filter != kNeighbours) {  // pixels of the border lie beyond it again
        if (row == 0) spread(which, -1, true);
        if (row == h_ - 1) spread(which, h_, true);
        rooms_[3][0] += rooms_[3][-1];
        rooms_[3][w_ - 1] += rooms_[3][w_];
      }
      if (two_) {
        store_row(which ? job_.grad_y : job_.grad_x, row, T(1));
      } else {
        if (job_.grad_x.data) store_row(job_.grad_x, row, T(1));
        if (job_.grad_y.data) store_row(job_.grad_y, row, T(-1));
      }
    }
  }

  void store_row(const Image& gradient, int64_t row, T sign) const {
    T* out = (T*)gradient.data + start_of(gradient, plane_, job_.channels, row, 0);
    const T* __restrict from = rooms_[3];
    const int64_t step = gradient.stride[3];
    if (step == 1)
      for (int64_t j = 0; j < w_; j++) out[j] = sign * from[j];
    else
      for (int64_t j = 0; j < w_; j++) out[j * step] = sign * from[j];
  }

  const EdgeMeans& job_;
  T* next_;
  const int64_t w_, h_;
  bool two_;     // slopes of both images; else those of x, or of x - y
  int wanted_;   // whose derivatives: of none, x, both
  int64_t plane_ = 0, from_ = 0, to_ = 0, read_ = 0;
  const T* seen_[2][kEdgeRing];  // rows of pixels: those below, or, where they lie as wanted, in the image
  T *pixels_[2][kEdgeRing], *slopes_[2][2][kEdgeRing], *nothing_, *rooms_[4];  // rooms: values, two of the transposed filter, a row of the gradient
};

template <class T>
void edge_means_of(const EdgeMeans& job, int share, int shares, T* scratch) {
  EdgeRows<T> rows(job, scratch);
  run_share(rows, job.planes, job.height, share, shares);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
