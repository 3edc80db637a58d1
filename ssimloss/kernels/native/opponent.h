// SSIMULACRA 2 of one image pair: sRGB to the opponent planes X, Y and B - Y of each scale, errors of structure, ringing and blur, and the
// gradient; see functional/ssimulacra2.py.
//
//   to_opponent     rows of an image, or of the linear light of a coarser scale -> opponent planes, and the linear light of the next scale
//   visible_errors  a plane in tiles of columns, 4 rows at a time:
//                   across   both planes, and what structure needs of their squares -> filtered (ring)
//                   down     the filter down the columns, then point by point       -> sums; or derivatives, filtered across (ring)
//                   gather   these down the columns; times the pixels               -> the gradient of the plane
//   from_opponent   its transpose to linear light, plus that of the coarser scale   -> the gradient of the image
//
// The window is symmetric, and zeros lie beyond the border: the transposed filter is the filter itself.

#pragma once

#include "light.h"
#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kReach = 4;       // pixels of the window on either side
constexpr int kRowsAtOnce = 4;  // of the filter down the columns
constexpr int kRowRing = 16;    // rows: two windows and what is computed at once, rounded up
constexpr int kErrorMargin = 2 * kReach + 24;

// The opponent colours: linear light to responses of cones, biased, their cube roots, and weighted sums of these.
template <class T>
struct Opponent {
  static constexpr T cones[3][3] = {
      {T(0.30), T(0.622), T(0.078)}, {T(0.23), T(0.692), T(0.078)}, {T(0.24342268924547819), T(0.20476744424496821), T(0.55180986650955360)}};
  static constexpr T bias = T(0.0037930732552754493), root = T(0.15595420054924863), slope = T(13.705175201695681);
  static constexpr T origin[3] = {T(0.42), T(0.01 - 0.15595420054924863), T(0.55)};
  static constexpr T window[kReach + 1] = {T(0.2646211054881986), T(0.21292859201042227), T(0.10933537277746035), T(0.03601111465836439),
                                           T(0.009414367809653733)};
  static constexpr T c2 = T(0.0009), large = T(1e37);
};

// --- colours ---------------------------------------------------------------------------------------------------------------------------

template <class T>
INLINE T biased_root(T response) {
  using O = Opponent<T>;
  const T inside = response < O::bias ? O::bias : response;
  return cube_root_of(inside) + O::slope * (response - inside);
}

template <class T>
__attribute__((noinline)) void opponent_row(const T* __restrict r, const T* __restrict g, const T* __restrict b, int64_t count, T* __restrict x,
                                            T* __restrict y, T* __restrict z) {
  using O = Opponent<T>;
  for (int64_t j = 0; j < count; j++) {
    const T red = r[j], green = g[j], blue = b[j];
    const T l = biased_root(O::cones[0][0] * red + O::cones[0][1] * green + O::cones[0][2] * blue + O::bias);
    const T m = biased_root(O::cones[1][0] * red + O::cones[1][1] * green + O::cones[1][2] * blue + O::bias);
    const T s = biased_root(O::cones[2][0] * red + O::cones[2][1] * green + O::cones[2][2] * blue + O::bias);
    const T half = T(0.5) * (l + m);
    x[j] = 7 * (l - m) + O::origin[0];
    y[j] = half + O::origin[1];
    z[j] = s - half + O::origin[2];
  }
}

// The gradient of the opponent planes to that of linear light, in place; x, y and z are the planes.
template <class T>
__attribute__((noinline)) void light_gradient_row(const T* __restrict x, const T* __restrict y, const T* __restrict z, int64_t count,
                                                  T* __restrict of_x, T* __restrict of_y, T* __restrict of_z) {
  using O = Opponent<T>;
  for (int64_t j = 0; j < count; j++) {
    const T half = y[j] - O::origin[1], apart = (x[j] - O::origin[0]) * T(1.0 / 14);
    const T roots[3] = {half + apart, half - apart, z[j] - O::origin[2] + half};
    T of_roots[3] = {7 * of_x[j] + T(0.5) * (of_y[j] - of_z[j]), T(0.5) * (of_y[j] - of_z[j]) - 7 * of_x[j], of_z[j]};
    for (int k = 0; k < 3; k++) {
      const T root = roots[k] < O::root ? O::root : roots[k];  // below, the curve is a line
      of_roots[k] *= T(1.0 / 3) / (root * root);
    }
    of_x[j] = O::cones[0][0] * of_roots[0] + O::cones[1][0] * of_roots[1] + O::cones[2][0] * of_roots[2];
    of_y[j] = O::cones[0][1] * of_roots[0] + O::cones[1][1] * of_roots[1] + O::cones[2][1] * of_roots[2];
    of_z[j] = O::cones[0][2] * of_roots[0] + O::cones[1][2] * of_roots[1] + O::cones[2][2] * of_roots[2];
  }
}

// Means of 2 x 2 pixels of two rows.
template <class T>
__attribute__((noinline)) void halve_rows(const T* __restrict above, const T* __restrict below, int64_t count, T* __restrict out) {
  for (int64_t j = 0; j < count; j++) out[j] = T(0.25) * ((above[2 * j] + above[2 * j + 1]) + (below[2 * j] + below[2 * j + 1]));
}

template <class T>
void to_opponent_of(const OpponentPlanes& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, h = job.height, coarse_h = (h + 1) / 2, coarse_w = (w + 1) / 2, room = w + kErrorMargin, jobs = 2 * coarse_h;
  T *lines[2][3], *encoded = scratch + 6 * room;
  for (int k = 0; k < 6; k++) lines[k / 3][k % 3] = scratch + k * room;
  for (int64_t at = jobs * share / shares; at < jobs * (share + 1) / shares; at++) {
    const int64_t which = at / coarse_h, i = at % coarse_h, rows = 2 * i + 1 < h ? 2 : 1;
    T* planes = (T*)job.planes[which];
    for (int64_t k = 0; k < rows; k++) {
      const int64_t row = 2 * i + k;
      for (int64_t c = 0; c < 3; c++) {
        T* line = lines[k][c];
        if (job.stored) {
          __builtin_memcpy(line, planes + (c * h + row) * w, w * sizeof(T));
        } else if (c && job.channels == 1) {
          __builtin_memcpy(line, lines[k][0], w * sizeof(T));
        } else {
          const T* from = line_of(job.images[which], start_of(job.images[which], job.image * job.channels + c, job.channels, row, 0), w, encoded);
          light_row(from, (T)job.low, (T)job.unit, w, line);
        }
        line[w] = line[w - 1];  // where the side is odd
      }
      T* out = planes + row * w;
      opponent_row(lines[k][0], lines[k][1], lines[k][2], w, out, out + h * w, out + 2 * h * w);
    }
    for (int64_t c = 0; job.coarse[which] && c < 3; c++)
      halve_rows(lines[0][c], lines[rows - 1][c], coarse_w, (T*)job.coarse[which] + (c * coarse_h + i) * coarse_w);
  }
}

template <class T>
void from_opponent_of(const OpponentPlanes& job, int share, int shares, T* scratch) {
  const int64_t w = job.width, h = job.height, coarse_h = (h + 1) / 2, coarse_w = (w + 1) / 2;
  const Halving halving = {h, w, 0, 0, kEdge};
  for (int64_t at = 2 * h * share / shares; at < 2 * h * (share + 1) / shares; at++) {
    const int64_t which = at / h, row = at % h;
    if (!job.gradients[which]) continue;
    const T* planes = (const T*)job.planes[which] + row * w;
    T* gradient = (T*)job.gradients[which] + row * w;
    light_gradient_row(planes, planes + h * w, planes + 2 * h * w, w, gradient, gradient + h * w, gradient + 2 * h * w);
    int64_t coarse_row;
    const int times = times_held(halving, row, coarse_h, &coarse_row);
    for (int64_t c = 0; job.coarse[which] && c < 3; c++)
      spread_row<T>(gradient + c * h * w, 0, w, T(1), halving, (const T*)job.coarse[which] + (c * coarse_h + coarse_row) * coarse_w, 0, coarse_w,
                    T(0.25) * (T)times);
    if (job.stored) continue;
    if (job.channels == 1)
      for (int64_t j = 0; j < w; j++) gradient[j] += gradient[h * w + j] + gradient[2 * h * w + j];
    for (int64_t c = 0; c < job.channels; c++) {
      const int64_t plane = job.image * job.channels + c;
      T* line = gradient + c * h * w;
      const T* encoded = line_of(job.images[which], start_of(job.images[which], plane, job.channels, row, 0), w, scratch);
      encoded_row(encoded, (T)job.low, (T)job.unit, w, line);
      const Image& image = job.image_gradients[which];
      T* out = (T*)image.data + start_of(image, plane, job.channels, row, 0);
      const int64_t step = image.stride[3];
      for (int64_t j = 0; j < w; j++) out[j * step] = line[j];
    }
  }
}

// --- errors ----------------------------------------------------------------------------------------------------------------------------

template <class T>
__attribute__((noinline)) void filter_row(const T* __restrict in, int64_t count, T* __restrict out) {
  constexpr const T* f = Opponent<T>::window;
  for (int64_t j = 0; j < count; j++)
    out[j] = f[0] * in[j] + f[1] * (in[j - 1] + in[j + 1]) + f[2] * (in[j - 2] + in[j + 2]) + f[3] * (in[j - 3] + in[j + 3]) +
             f[4] * (in[j - 4] + in[j + 4]);
}

// Rows 4 .. 7 of 12 rows filtered down the columns. Reads and writes whole vectors, up to one beyond `count`.
template <class T>
__attribute__((noinline)) void filter_columns(const T* const* rows, int64_t count, T* const* out) {
  constexpr const T* f = Opponent<T>::window;
  for (int64_t j = 0; j < count; j += Lanes<T>::count) {
    Vector<T> v[kRowsAtOnce + 2 * kReach];
#pragma GCC unroll 16
    for (int k = 0; k < kRowsAtOnce + 2 * kReach; k++) v[k] = load(rows[k] + j);
#pragma GCC unroll 4
    for (int k = 0; k < kRowsAtOnce; k++)
      store(out[k] + j, f[0] * v[k + 4] + f[1] * (v[k + 3] + v[k + 5]) + f[2] * (v[k + 2] + v[k + 6]) + f[3] * (v[k + 1] + v[k + 7]) +
                            f[4] * (v[k] + v[k + 8]));
  }
}

// Squares of both, and the square of the difference.
template <class T>
__attribute__((noinline)) void square_row(const T* __restrict x, const T* __restrict y, int64_t count, T* __restrict squares, T* __restrict apart) {
  for (int64_t j = 0; j < count; j++) {
    const T d = x[j] - y[j];
    squares[j] = x[j] * x[j] + y[j] * y[j];
    apart[j] = d * d;
  }
}

// The error of structure, and its derivatives with respect to the means and the two filtered squares.
template <class T>
struct Structure {
  T value, of_x, of_y, of_squares, of_apart;
  INLINE Structure(T mu_x, T mu_y, T squares, T apart) {
    const T d = mu_x - mu_y, q = d * d, spread = squares - mu_x * mu_x - mu_y * mu_y, variance = spread < 0 ? T(0) : spread;
    const T off = apart - q, most = 2 * variance, clamped = off < 0 ? T(0) : off, unlike = most < clamped ? most : clamped;
    const T bottom = variance + Opponent<T>::c2, over = 1 / bottom, ratio = unlike * over, raw = ratio + q * (1 - ratio);
    value = raw < 0 ? T(0) : raw;
    const T live = raw > 0 ? T(1) : T(0), by_unlike = live * (1 - q) * over;
    // Both are the smaller one where they are equal.
    const T held = most < clamped ? T(1) : most == clamped ? T(0.5) : T(0);
    of_apart = off < 0 ? T(0) : by_unlike * (1 - held);
    of_squares = spread < 0 ? T(0) : by_unlike * (2 * held - ratio);
    const T of_q = live * (1 - ratio) - of_apart;
    of_x = 2 * (of_q * d - of_squares * mu_x);
    of_y = -2 * (of_q * d + of_squares * mu_y);
  }
};

template <class T>
INLINE T error_of_edges(T edge_x, T edge_y) { return (edge_x - edge_y) / (1 + edge_y); }

// Values of a row: structure (if it counts), ringing, blur.
template <class T, bool STRUCTURE>
__attribute__((noinline)) void values_row(const T* __restrict x, const T* __restrict y, const T* __restrict mu_x, const T* __restrict mu_y,
                                          const T* __restrict squares, const T* __restrict apart, int64_t count, T* __restrict structure,
                                          T* __restrict ringing, T* __restrict blur) {
  for (int64_t j = 0; j < count; j++) {
    if (STRUCTURE) structure[j] = Structure<T>(mu_x[j], mu_y[j], squares[j], apart[j]).value;
    const T e = error_of_edges(magnitude(x[j] - mu_x[j]), magnitude(y[j] - mu_y[j]));
    ringing[j] = e < 0 ? T(0) : e;
    blur[j] = -e < 0 ? T(0) : -e;
  }
}

// The sum of a row, its largest value, and the sum of fourth powers in units of the latter. Zeros are written beyond the row.
template <class T>
__attribute__((noinline)) void pool_row(T* values, int64_t count, double* pooled) {
  constexpr int n = Lanes<T>::count;
  store(values + count, Vector<T>{});
  Vector<T> sums = {}, largest = {}, powers = {};
  for (int64_t j = 0; j < count; j += n) {
    const Vector<T> v = load(values + j);
    sums += v;
    largest = choose<T>(v > largest, v, largest);
  }
  T most = 0;
  for (int k = 0; k < n; k++) most = largest[k] > most ? largest[k] : most;
  const T unit = most > 0 ? most : T(1), over = 1 / unit;
  // Of the smallest numbers, this is infinite.
  const bool divides = !(over < Opponent<T>::large);
  for (int64_t j = 0; j < count; j += n) {
    const Vector<T> v = divides ? load(values + j) / unit : load(values + j) * over, square = v * v;
    powers += square * square;
  }
  pooled[0] = pooled[2] = 0;
  pooled[1] = unit;
  for (int k = 0; k < n; k++) {
    pooled[0] += sums[k];
    pooled[2] += powers[k];
  }
}

// What multiplies the derivative of each error: mean + norm * (value / unit)^3.
template <class T>
struct Slope {
  T mean, norm, over;
  INLINE explicit Slope(const ErrorSlope& of) : mean((T)of.mean), norm((T)of.norm), over((T)(1 / of.unit)) {}
  INLINE T at(T value) const {
    const T v = value * over;
    return mean + norm * (v * v * v);
  }
};

// Derivatives of a row: with respect to the means, the two filtered squares, and the pixels themselves.
template <class T, bool STRUCTURE, bool BOTH>
__attribute__((noinline)) void derivatives_row(const ErrorSlope* slopes, const T* __restrict x, const T* __restrict y, const T* __restrict mu_x,
                                               const T* __restrict mu_y, const T* __restrict squares, const T* __restrict apart, int64_t count,
                                               T* __restrict of_mu_x, T* __restrict of_mu_y, T* __restrict of_squares, T* __restrict of_apart,
                                               T* __restrict of_x, T* __restrict of_y) {
  const Slope<T> of_structure(slopes[0]), of_ringing(slopes[1]), of_blur(slopes[2]);
  for (int64_t j = 0; j < count; j++) {
    const T off_x = x[j] - mu_x[j], off_y = y[j] - mu_y[j], edge_x = magnitude(off_x), edge_y = magnitude(off_y), over = 1 / (1 + edge_y);
    const T e = (edge_x - edge_y) * over, up = of_ringing.at(e), down = -of_blur.at(-e);
    const T of_e = over * (e > 0 ? up : e < 0 ? down : T(0));
    const T by_x = off_x > 0 ? of_e : off_x < 0 ? -of_e : T(0), slope_y = -(1 + e) * of_e;
    const T by_y = off_y > 0 ? slope_y : off_y < 0 ? -slope_y : T(0);
    of_x[j] = by_x;
    T mean_x = -by_x, mean_y = -by_y;
    if (STRUCTURE) {
      const Structure<T> found(mu_x[j], mu_y[j], squares[j], apart[j]);
      const T factor = of_structure.at(found.value);
      mean_x += factor * found.of_x;
      mean_y += factor * found.of_y;
      of_squares[j] = 2 * factor * found.of_squares;
      of_apart[j] = 2 * factor * found.of_apart;
    }
    of_mu_x[j] = mean_x;
    if (BOTH) {
      of_y[j] = by_y;
      of_mu_y[j] = mean_y;
    }
  }
}

// The gradient of a row: `sign` is 1 for x and -1 for y.
template <class T, bool STRUCTURE>
__attribute__((noinline)) void gather_row(const T* __restrict self, const T* __restrict other, const T* __restrict direct, const T* __restrict mean,
                                          const T* __restrict squares, const T* __restrict apart, int64_t count, T* __restrict out) {
  for (int64_t j = 0; j < count; j++) {
    T found = direct[j] + mean[j];
    if (STRUCTURE) found += self[j] * squares[j] + (self[j] - other[j]) * apart[j];
    out[j] = found;
  }
}

template <class T>
class ErrorTile {
 public:
  static constexpr int kMaps = 4;   // mu_x, mu_y, and the filtered squares
  static constexpr int64_t kColumns = 480;
  static constexpr int64_t kLine = kColumns + 2 * kErrorMargin;
  // Two rings of filtered rows, two of what a pixel itself contributes, rows of the filter down the columns, lines of one row.
  static constexpr int64_t kLines = (2 * kMaps + 2) * kRowRing + kMaps * kRowsAtOnce + 2 * kMaps + 1;
  static constexpr int64_t bytes() { return kLines * kLine * (int64_t)sizeof(T); }
  static int64_t tiles(int64_t width) { return (width + kColumns - 1) / kColumns; }

  ErrorTile(const VisibleErrors& job, T* scratch) : job_(job), next_(scratch), w_(job.width), h_(job.height) {
    for (int map = 0; map < kMaps; map++) {
      for (int slot = 0; slot < kRowRing; slot++) {
        across_[map][slot] = take();
        spread_[map][slot] = take();
        if (map < 2) direct_[map][slot] = take();
      }
      for (int row = 0; row < kRowsAtOnce; row++) down_[map][row] = take();
      lines_[map] = take();
      values_[map] = take();
    }
    nothing_ = take();
    for (int64_t j = -kErrorMargin; j < kLine - kErrorMargin; j++) nothing_[j] = T(0);
  }

  // Rows [from, to) of a tile of a plane.
  void run(int plane, int64_t tile, int64_t from, int64_t to) {
    plane_ = plane;
    x_ = (const T*)job_.x + plane * h_ * w_;
    y_ = (const T*)job_.y + plane * h_ * w_;
    first_ = tile * kColumns;
    count_ = w_ - first_ < kColumns ? w_ - first_ : kColumns;
    structure_ = job_.structure[plane];
    const bool wanted = job_.grad_x || job_.grad_y;
    // Columns whose derivatives are computed, relative to the first of the tile.
    begin_ = wanted && first_ ? -(int64_t)kReach : 0;
    end_ = !wanted ? count_ : first_ + count_ + kReach < w_ ? count_ + kReach : w_ - first_;
    const int64_t derived = wanted ? (from > kReach ? from - kReach : 0) : from;
    const int64_t last = wanted ? (to + kReach < h_ ? to + kReach : h_) : to;
    filtered_ = derived > kReach ? derived - kReach : 0;
    int64_t next = from;
    for (int64_t row = derived; row < last; row += kRowsAtOnce) {
      const int64_t until = row + kRowsAtOnce < last ? row + kRowsAtOnce : last;
      moments(row);
      for (int64_t r = row; r < until; r++) {
        T* rows[kMaps];
        for (int map = 0; map < kMaps; map++) rows[map] = down_[map][r - row];
        if (wanted)
          derive(r, rows);
        else
          pool(tile, r, rows);
      }
      for (; wanted && next < to && (next + kRowsAtOnce + kReach <= until || until == last); next += kRowsAtOnce) gather(next, to);
    }
  }

 private:
  T* take() {
    T* line = next_ + kErrorMargin;
    next_ += kLine;
    return line;
  }
  static int slot(int64_t row) { return (int)(row % kRowRing); }
  int maps() const { return structure_ ? kMaps : 2; }

  // Filters row after row across, up to the last one that these rows need.
  void moments(int64_t row) {
    const int64_t last = row + kRowsAtOnce + kReach < h_ ? row + kRowsAtOnce + kReach : h_;
    for (; filtered_ < last; filtered_++) {
      const int64_t from = begin_ - kReach, to = end_ + kReach, inside = first_ + from < 0 ? -first_ : from, over = first_ + to < w_ ? to : w_ - first_;
      const T* sources[2] = {x_, y_};
      for (int which = 0; which < 2; which++) {
        T* line = lines_[which];
        for (int64_t j = from; j < inside; j++) line[j] = T(0);
        __builtin_memcpy(line + inside, sources[which] + filtered_ * w_ + first_ + inside, (over - inside) * sizeof(T));
        for (int64_t j = over; j < to; j++) line[j] = T(0);
      }
      if (structure_) square_row(lines_[0] + from, lines_[1] + from, to - from, lines_[2] + from, lines_[3] + from);
      for (int map = 0; map < maps(); map++) filter_row(lines_[map] + begin_, end_ - begin_, across_[map][slot(filtered_)] + begin_);
    }
    for (int map = 0; map < maps(); map++) down(across_[map], row, begin_, end_, down_[map]);
  }

  void down(T* const* ring, int64_t row, int64_t begin, int64_t end, T* const* out) {
    const T* rows[kRowsAtOnce + 2 * kReach];
    T* into[kRowsAtOnce];
    for (int k = 0; k < kRowsAtOnce + 2 * kReach; k++) {
      const int64_t r = row + k - kReach;
      rows[k] = (r < 0 || r >= h_ ? nothing_ : ring[slot(r)]) + begin;
    }
    for (int k = 0; k < kRowsAtOnce; k++) into[k] = out[k] + begin;
    filter_columns(rows, end - begin, into);
  }

  void pool(int64_t tile, int64_t row, T* const* rows) {
    const T *x = x_ + row * w_ + first_, *y = y_ + row * w_ + first_;
    if (structure_)
      values_row<T, true>(x, y, rows[0], rows[1], rows[2], rows[3], count_, values_[0], values_[1], values_[2]);
    else
      values_row<T, false>(x, y, rows[0], rows[1], rows[2], rows[3], count_, values_[0], values_[1], values_[2]);
    double* pooled = job_.row_sums + ((plane_ * tiles(w_) + tile) * h_ + row) * 9;
    for (int k = 0; k < 3; k++)
      if (k || structure_)
        pool_row(values_[k], count_, pooled + 3 * k);
      else
        pooled[0] = pooled[1] = pooled[2] = 0;
  }

  void derive(int64_t row, T* const* rows) {
    const T *x = x_ + row * w_ + first_ + begin_, *y = y_ + row * w_ + first_ + begin_;
    const ErrorSlope* slopes = job_.slopes[plane_];
    const int64_t count = end_ - begin_;
    const bool both = job_.grad_y;
#define DERIVE(structure, two)                                                                                                                    \
  derivatives_row<T, structure, two>(slopes, x, y, rows[0] + begin_, rows[1] + begin_, rows[2] + begin_, rows[3] + begin_, count,                 \
                                     lines_[0] + begin_, lines_[1] + begin_, lines_[2] + begin_, lines_[3] + begin_, direct_[0][slot(row)] + begin_, \
                                     direct_[1][slot(row)] + begin_)
    if (structure_)
      both ? DERIVE(true, true) : DERIVE(true, false);
    else
      both ? DERIVE(false, true) : DERIVE(false, false);
#undef DERIVE
    for (int map = 0; map < maps(); map++) {
      if (map == 1 && !both) continue;
      T* line = lines_[map];
      for (int64_t j = -kReach; j < begin_; j++) line[j] = T(0);
      for (int64_t j = end_; j < count_ + kReach; j++) line[j] = T(0);
      filter_row(line, count_, spread_[map][slot(row)]);
    }
  }

  void gather(int64_t row, int64_t to) {
    const bool both = job_.grad_y;
    for (int map = 0; map < maps(); map++)
      if (map != 1 || both) down(spread_[map], row, 0, count_, down_[map]);
    for (int64_t r = row; r < row + kRowsAtOnce && r < to; r++) {
      const T* pixels[2] = {x_ + r * w_ + first_, y_ + r * w_ + first_};
      T* gradients[2] = {(T*)job_.grad_x, (T*)job_.grad_y};
      for (int which = 0; which < 2; which++) {
        if (!gradients[which]) continue;
        T* out = gradients[which] + (plane_ * h_ + r) * w_ + first_;
        const T *self = pixels[which], *other = pixels[1 - which], *direct = direct_[which][slot(r)];
        const int64_t k = r - row;
        if (structure_)
          gather_row<T, true>(self, other, direct, down_[which][k], down_[2][k], down_[3][k], count_, out);
        else
          gather_row<T, false>(self, other, direct, down_[which][k], down_[2][k], down_[3][k], count_, out);
      }
    }
  }

  const VisibleErrors& job_;
  T* next_;
  const int64_t w_, h_;
  int plane_ = 0;
  bool structure_ = false;
  const T *x_ = nullptr, *y_ = nullptr;
  int64_t first_ = 0, count_ = 0, begin_ = 0, end_ = 0, filtered_ = 0;
  T *across_[kMaps][kRowRing], *spread_[kMaps][kRowRing], *direct_[2][kRowRing], *down_[kMaps][kRowsAtOnce], *lines_[kMaps], *values_[kMaps], *nothing_;
};

// Tiles of columns one after the other: rows of a tile that a share has are in one piece.
template <class T>
void visible_errors_of(const VisibleErrors& job, int share, int shares, T* scratch) {
  ErrorTile<T> worker(job, scratch);
  const int64_t tiles = ErrorTile<T>::tiles(job.width), h = job.height, all = 3 * tiles * h, end = all * (share + 1) / shares;
  for (int64_t at = all * share / shares; at < end;) {
    const int64_t strip = at / h, from = at % h, to = end - strip * h < h ? end - strip * h : h;
    const int plane = (int)(strip / tiles);
    if (job.counts[plane])
      worker.run(plane, strip % tiles, from, to);
    else
      for (int which = 0; which < 2; which++) {
        T* gradient = (T*)(which ? job.grad_y : job.grad_x);
        const int64_t first = strip % tiles * ErrorTile<T>::kColumns;
        for (int64_t row = from; gradient && row < to; row++)
          for (int64_t j = first; j < job.width && j < first + ErrorTile<T>::kColumns; j++) gradient[(plane * h + row) * job.width + j] = T(0);
      }
    at = strip * h + to;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
