// FLIP of sRGB images: the mean over the pixels of each image, and its gradient; see functional/flip.py.
//
// A tile of columns at a time, row by row:
//
//   prepare        a row of both images                  -> Y, X - Y and Y - Z, filtered across (ring)
//   compare        these, filtered down                  -> the sum of differences; derivatives of what is filtered (ring)
//   differentiate  these, through the transposed filters -> the gradient of the image
//
// The border repeats pixels. The transposed filter down adds the weights of repeated rows; the one across also computes the columns of the
// border, which are folded onto the first and the last one.

#pragma once

#include "flip_colors.h"
#include "light.h"
#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int64_t kFlipTile = 256;  // columns of the gradient
constexpr int64_t kFlipSpill = 64;  // what vectors reach beyond a line

// What is filtered across, and by what: Y, X - Y, Y - Z by two Gaussians, and Y by a Gaussian and by its first and second derivative.
enum FlipWindow { kOfY, kOfXY, kOfYZ, kOfYZWide, kGaussianWindow, kEdgeWindow, kPointWindow, kFlipWindows };
// Then down: Y, X - Y, Y - Z, edges across and down, points across and down.
constexpr int kSeen = 7;

// The filters down: `to` adds what was filtered across by `from`.
struct FlipDown {
  int to;
  FlipWindow from, window;
};
constexpr FlipDown kFlipDown[] = {{0, kOfY, kOfY},
                                  {1, kOfXY, kOfXY},
                                  {2, kOfYZ, kOfYZ},
                                  {2, kOfYZWide, kOfYZWide},
                                  {3, kEdgeWindow, kGaussianWindow},
                                  {4, kGaussianWindow, kEdgeWindow},
                                  {5, kPointWindow, kGaussianWindow},
                                  {6, kGaussianWindow, kPointWindow}};

// --- filters ---------------------------------------------------------------------------------------------------------------------------

// out[j] (+)= the sum over k of weights[k] rows[k][j], for whole vectors.
template <class T, int VECTORS>
INLINE void weigh_vectors(const T* const* rows, const T* weights, int64_t count, bool add, int64_t j, T* out) {
  constexpr int n = Lanes<T>::count;
  Vector<T> sums[VECTORS];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) sums[v] = add ? load(out + j + v * n) : Vector<T>{};
  const auto add_row = [&](int64_t k) INLINE_LAMBDA {
    const T* row = rows[k] + j;
    const T weight = weights[k];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) sums[v] += weight * load(row + v * n);
  };
  for (int64_t k = 0; k < count / 2; k++) {  // small weights first: less is rounded
    add_row(k);
    add_row(count - 1 - k);
  }
  if (count % 2) add_row(count / 2);
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) store(out + j + v * n, sums[v]);
}

// Of `columns`, and up to a vector beyond.
template <class T>
__attribute__((noinline)) void weigh_rows(const T* const* rows, const T* weights, int64_t count, bool add, int64_t columns, T* out) {
  constexpr int n = Lanes<T>::count;
  int64_t j = 0;
  for (; j + 8 * n <= columns; j += 8 * n) weigh_vectors<T, 8>(rows, weights, count, add, j, out);
  for (; j + 2 * n <= columns; j += 2 * n) weigh_vectors<T, 2>(rows, weights, count, add, j, out);
  for (; j < columns; j += n) weigh_vectors<T, 1>(rows, weights, count, add, j, out);
}

// --- a tile ----------------------------------------------------------------------------------------------------------------------------

template <class T>
class FlipRows {
 public:
  static int64_t bytes(const FlipMeans& job) {
    const int64_t tables = kFlipWindows * 4 * job.taps, pointers = job.taps * (int64_t)sizeof(T*);
    return lines(job) * length(job) * (int64_t)sizeof(T) + (tables + kFlipSpill) * (int64_t)sizeof(T) + pointers;
  }

  FlipRows(const FlipMeans& job, T* scratch) : job_(job), w_(job.width), h_(job.height), taps_(job.taps), reach_(job.taps / 2) {
    wanted_[0] = job.grad_x.data;
    wanted_[1] = job.grad_y.data;
    T* next = scratch + margin(job);
    const auto take = [&] {
      T* line = next;
      next += length(job);
      return line;
    };
    for (int which = 0; which < 2; which++) {
      for (int of = 0; of < kFlipWindows; of++) {
        across_[which][of] = next;
        next += taps_ * length(job);
      }
      for (int of = 0; of < kSeen; of++) {
        seen_[which][of] = next;
        next += slots(which) * length(job);
      }
      for (T*& line : labs_[which]) line = take();
    }
    for (T*& line : rooms_) line = take();
    next -= margin(job);
    for (int window = 0; window < kFlipWindows; window++) {
      T** const tables[] = {&down_[window], &row_[window], &turned_[window], &weights_[window]};
      for (T** table : tables) {
        *table = next;
        next += taps_;
      }
      for (int64_t k = 0; k < taps_; k++) {
        const double* of = window < kGaussianWindow ? job.sensitivity + 2 * window * taps_ : job.detection + (window - kGaussianWindow) * taps_;
        down_[window][k] = (T)of[k];
        row_[window][k] = turned_[window][taps_ - 1 - k] = (T)of[window < kGaussianWindow ? taps_ + k : k];
      }
    }
    pointers_ = (const T**)(((uintptr_t)next + sizeof(T*) - 1) / sizeof(T*) * sizeof(T*));
  }

  // Rows [from, to) of an image: sums, and those of the gradient.
  void run(int64_t image, int64_t from, int64_t to) {
    image_ = image;
    for (int which = 0; which < 2; which++) {
      read(which, 0, 0, 1);
      luminance_row<T>(light(0), light(1), light(2), 1, rooms_[0], rooms_[1], rooms_[2]);
      first_[which] = rooms_[0][0] - rooms_[0][0] == 0 ? rooms_[0][0] : T(0);
    }
    const bool wanted = wanted_[0] || wanted_[1];
    for (int64_t row = from; row < to; row++) job_.row_sums[image * h_ + row] = 0;
    for (column_ = 0; column_ < w_; column_ += kFlipTile) {
      end_ = column_ + kFlipTile < w_ ? column_ + kFlipTile : w_;
      start_ = wanted && column_ > reach_ ? column_ - reach_ : wanted ? 0 : column_;
      count_ = (wanted ? end_ + reach_ < w_ ? end_ + reach_ : w_ : end_) - start_;
      int64_t compared = wanted && from > reach_ ? from - reach_ : wanted ? 0 : from;
      int64_t prepared = compared > reach_ ? compared - reach_ : 0;
      for (int64_t row = from; row < to; row++) {
        for (const int64_t last = wanted ? clamped(row + reach_, h_) : row; compared <= last; compared++) {
          for (const int64_t last_read = clamped(compared + reach_, h_); prepared <= last_read; prepared++) prepare(prepared);
          compare(compared, compared >= from && compared < to);
        }
        for (int which = 0; which < 2; which++)
          if (wanted_[which]) differentiate(which, row);
      }
    }
  }

 private:
  static int64_t rounded(int64_t count) { return (count + 15) / 16 * 16; }
  static int64_t margin(const FlipMeans& job) { return rounded(job.taps); }  // before a line: twice the reach
  static int64_t length(const FlipMeans& job) {
    return margin(job) + rounded((job.width < kFlipTile ? job.width : kFlipTile) + 2 * job.taps) + kFlipSpill;
  }
  static int64_t lines(const FlipMeans& job) {
    const int64_t rings = (job.grad_x.data ? job.taps : 1) + (job.grad_y.data ? job.taps : 1);
    return kFlipWindows * 2 * job.taps + kSeen * rings + 2 * 6 + kRooms;
  }
  int64_t slots(int which) const { return wanted_[which] ? taps_ : 1; }
  T* across(int which, int of, int64_t row) const { return across_[which][of] + row % taps_ * length(job_); }
  T* seen(int which, int of, int64_t row) const { return seen_[which][of] + row % slots(which) * length(job_); }
  T* light(int channel) const { return rooms_[3 + (job_.channels == 3 ? channel : 0)]; }

  // Columns [column, column + count) of a row: the pixels (rooms 6 to 8), clamped (9 to 11), and linear light (3 to 5).
  void read(int which, int64_t row, int64_t column, int64_t count) {
    const Image& image = which ? job_.y : job_.x;
    for (int64_t c = 0; c < job_.channels; c++) {
      read_line(image, start_of(image, image_ * job_.channels + c, job_.channels, row, column), count, T(0), rooms_[6 + c]);
      unit_row(rooms_[6 + c], (T)job_.low, (T)job_.unit, count, rooms_[9 + c]);
      light_row(rooms_[9 + c], T(0), T(1), count, rooms_[3 + c]);
    }
  }

  void prepare(int64_t row) {
    const int64_t first = start_ > reach_ ? start_ - reach_ : 0, last = start_ + count_ + reach_ < w_ ? start_ + count_ + reach_ : w_;
    const int64_t begin = first - start_, end = last - start_;
    for (int which = 0; which < 2; which++) {
      read(which, row, first, last - first);
      T *const opponent[3] = {rooms_[0], rooms_[1], rooms_[2]}, *off = rooms_[6];
      luminance_row<T>(light(0), light(1), light(2), last - first, opponent[0] + begin, opponent[1] + begin, opponent[2] + begin);
      for (T* line : opponent) {
        for (int64_t j = -reach_; j < begin; j++) line[j] = line[begin];
        for (int64_t j = end; j < count_ + reach_; j++) line[j] = line[end - 1];
      }
      // The sum of a detector is 0. Without a pixel first, flat images are exactly 0.
      for (int64_t j = -reach_; j < count_ + reach_; j++) off[j] = opponent[0][j] - first_[which];
      const T* const from[kFlipWindows] = {opponent[0], opponent[1], opponent[2], opponent[2], off, off, off};
      for (int window = 0; window < kFlipWindows; window++) {
        for (int64_t k = 0; k < taps_; k++) pointers_[k] = from[window] + k - reach_;
        weigh_rows(pointers_, row_[window], taps_, false, count_, across(which, window, row));
      }
    }
  }

  void compare(int64_t row, bool sums) {
    const bool wanted = wanted_[0] || wanted_[1];
    T* lines[2][kSeen];
    for (int which = 0; which < 2; which++) {
      for (int of = 0; of < kSeen; of++) lines[which][of] = seen(which, of, row);
      for (const FlipDown& filter : kFlipDown) {
        for (int64_t k = 0; k < taps_; k++) pointers_[k] = across(which, filter.from, clamped(row + k - reach_, h_));
        weigh_rows(pointers_, down_[filter.window], taps_, filter.window == kOfYZWide, count_, lines[which][filter.to]);
      }
      T *const *seen = lines[which], *const *lab = labs_[which];
      hunt_row<T>(seen[0], seen[1], seen[2], count_, lab[0], lab[1], lab[2], lab[3], lab[4], lab[5]);
    }
    T* values = rooms_[0];
    wanted ? flip_row<T, true>(labs_[0], labs_[1], lines[0], lines[1], (T)job_.scale, count_, values)
           : flip_row<T, false>(labs_[0], labs_[1], lines[0], lines[1], T(0), count_, values);
    for (int which = 0; which < 2; which++) {
      if (!wanted_[which]) continue;
      T *const *seen = lines[which], *const *lab = labs_[which];
      unhunt_row<T>(lab[0], lab[1], lab[2], lab[3], lab[4], lab[5], count_, seen[0], seen[1], seen[2]);
    }
    if (!sums) return;
    constexpr int n = Lanes<T>::count;
    const int64_t first = column_ - start_, last = end_ - start_;
    for (int64_t j = 0; j < n; j++) values[last + j] = T(0);
    Vector<T> parts = {};
    for (int64_t j = first; j < last; j += n) parts += load(values + j);
    double sum = 0;
    for (int lane = 0; lane < n; lane++) sum += parts[lane];
    job_.row_sums[image_ * h_ + row] += sum;
  }

  // How much a row counts in the results of the rows around it, from row `from` on.
  void turn(int64_t row, int64_t from, int64_t rows) {
    for (int window = 0; window < kFlipWindows; window++)
      for (int64_t i = 0; i < rows; i++) {
        const int64_t middle = row - (from + i) + reach_;
        T weight = down_[window][middle];
        for (int64_t k = 0; row == 0 && k < middle; k++) weight += down_[window][k];
        for (int64_t k = middle + 1; row == h_ - 1 && k < taps_; k++) weight += down_[window][k];
        weights_[window][i] = weight;
      }
  }

  void differentiate(int which, int64_t row) {
    const int64_t from = row > reach_ ? row - reach_ : 0, rows = clamped(row + reach_, h_) + 1 - from;
    turn(row, from, rows);
    T *const *gradient = rooms_, *filtered = rooms_[12];
    // Columns of the border are folded onto the first and the last one.
    const int64_t begin = column_ ? column_ - start_ : -reach_, end = end_ == w_ ? count_ + reach_ : end_ - start_;
    bool began[3] = {false, false, false};
    for (int window = 0; window < kFlipWindows; window++) {
      bool added = false;
      for (const FlipDown& filter : kFlipDown) {
        if (filter.from != window) continue;
        for (int64_t i = 0; i < rows; i++) pointers_[i] = seen(which, filter.to, from + i);
        weigh_rows(pointers_, weights_[filter.window], rows, added, count_, filtered);
        added = true;
      }
      for (int64_t j = -2 * reach_; j < 0; j++) filtered[j] = T(0);
      for (int64_t j = count_; j < count_ + 2 * reach_; j++) filtered[j] = T(0);
      const int plane = window == kOfXY ? 1 : window == kOfYZ || window == kOfYZWide ? 2 : 0;
      for (int64_t k = 0; k < taps_; k++) pointers_[k] = filtered + begin + k - reach_;
      weigh_rows(pointers_, turned_[window], taps_, began[plane], end - begin, gradient[plane] + begin);
      began[plane] = true;
    }
    for (int plane = 0; plane < 3; plane++) {
      T* line = gradient[plane];
      for (int64_t j = begin; column_ == 0 && j < 0; j++) line[0] += line[j];
      for (int64_t j = count_; j < end; j++) line[count_ - 1] += line[j];
    }
    write(which, row);
  }

  // The gradient of Y, X - Y and Y - Z in rooms 0 to 2, to that of the image.
  void write(int which, int64_t row) {
    const int64_t first = column_ - start_, count = end_ - column_;
    T* const gradient[3] = {rooms_[0] + first, rooms_[1] + first, rooms_[2] + first};
    read(which, row, column_, count);
    unluminance_row<T>(count, gradient[0], gradient[1], gradient[2]);
    if (job_.channels == 1)
      for (int64_t j = 0; j < count; j++) gradient[0][j] += gradient[1][j] + gradient[2][j];
    for (int64_t c = 0; c < job_.channels; c++) {
      encoded_row(rooms_[9 + c], T(0), T(1), count, gradient[c]);
      const Image& image = which ? job_.grad_y : job_.grad_x;
      T *out = (T*)image.data + start_of(image, image_ * job_.channels + c, job_.channels, row, column_), *line = rooms_[3 + c];
      const int64_t step = image.stride[3];
      clamped_row(rooms_[6 + c], (T)job_.low, (T)job_.unit, count, gradient[c], line);
      for (int64_t j = 0; j < count; j++) out[j * step] = line[j];
    }
  }

  static constexpr int kRooms = 13;

  const FlipMeans& job_;
  const int64_t w_, h_, taps_, reach_;
  bool wanted_[2];
  int64_t image_ = 0, column_ = 0, end_ = 0;  // columns of the gradient
  int64_t start_ = 0, count_ = 0;             // and those that are compared, from the beginning of a line on
  T first_[2];                                // Y of the first pixels
  T *across_[2][kFlipWindows], *seen_[2][kSeen], *labs_[2][6], *rooms_[kRooms];
  T *down_[kFlipWindows], *row_[kFlipWindows], *turned_[kFlipWindows], *weights_[kFlipWindows];
  const T** pointers_;
};

template <class T>
void flip_means_of(const FlipMeans& job, int share, int shares, T* scratch) {
  FlipRows<T> rows(job, scratch);
  run_share(rows, job.count, job.height, share, shares);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
