// A measure of local moments of two images and its gradient, in one pass over their rows.
//
// `Equation` says which moments those are, what is computed of them at each position, and how derivatives with respect to them become
// derivatives with respect to pixels; structural.h, correlation.h, information.h and pointwise.h are equations, and masked.h makes of any of
// them the one under a mask.
//
// Rows stream through rings of a few groups of 8, which stay in the second-level cache.
//
//   read     row of x, row of y, centred                        -> images    (ring)
//   filter   along the row: the images and their products       -> filtered  (ring), Equation::kMoments maps
//   compare  down the columns, 8 rows at a time, then point by
//            point: values, their sums, their derivatives       -> derived   (ring), 3 to kDerived maps
//   spread   derived, down the columns, transposed              -> spread, 8 rows
//   combine  along the row, transposed; times the pixels        -> a row of the gradient
//   write    border folded back, distance per pixel added
//
// Filtering needs a window's height of rows ahead, its transpose as many behind: the gradient of rows s .. s + 7 is complete when the
// similarity of rows s .. s + 7 is known, whose windows end taps - 1 rows further down.
//
// Wide images are cut into tiles of columns that overlap by the windows. Of narrow ones, several planes lie side by side in the lanes.

#pragma once

#include "correlation.h"
#include "information.h"
#include "masked.h"
#include "pixels.h"
#include "pointwise.h"
#include "rows.h"
#include "structural.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kGroup = 8;  // rows

// TAPS: length of a symmetric window known when compiling, or 0 for any window of up to kMaxTaps.
template <class T, int TAPS, class Equation>
class Stream {
 public:
  static constexpr int kLanes = Lanes<T>::count;
  static constexpr int kLongest = TAPS ? TAPS : kMaxTaps;
  static constexpr int kSegment = 36 * 64 / kBytes;  // pixels per lane
  static constexpr int kTile = kSegment * kLanes;    // pixels per row
  static constexpr int kHalo = kLongest - 1;
  static constexpr int kRing = (kLongest + kGroup - 2) / kGroup + 1;  // groups
  using V = Vector<T>;
  using M = Mask<T>;

  // Rows [share / shares) of all planes, in an order and with results that do not depend on how many shares there are.
  void run(const Similarity& job, int share, int shares);

 private:
  static constexpr int kBlock = 4;  // columns compared at a time
  static constexpr int kRow = kSegment + kHalo + kLanes;
  // Rows of rings, in vectors; odd, so that the rows of a column do not meet in one set of the cache.
  static constexpr int kMoments = Equation::kMoments, kMaps = Equation::kDerived, kSums = Equation::kSums;
  static constexpr bool kKnown = TAPS == 0 && sizeof(T) == sizeof(float);  // whether known_ is made use of
  static constexpr int kRead = Equation::kMasked ? 3 : 2;  // x, y and the mask
  static constexpr int kImages = kRead * kRow | 1, kFiltered = kMoments * kSegment | 1, kDerived = kMaps * kSegment | 1;

  struct Window {
    V taps[kMaxTaps], turned[kMaxTaps];
  };

  void block(int64_t plane, int planes, int lanes_per_plane, int64_t from, int64_t to);
  void tile(int64_t column, int64_t end);
  void read(int64_t row);
  Rows<T> rows_of(int image, int plane);
  void compare(int64_t row);
  void clear_derived(V* row);
  template <int GRADIENTS, bool MAPPED, class Point>
  void compare_points(int64_t row, const Point& point);
  void read_upstream(int64_t row);
  void write_map(int64_t row);
  void spread(int64_t row);
  void combine(int64_t row);
  void write(int64_t row, const V* lanes, bool of_x);
  void write_lines(int64_t row, T* lines, bool of_x);
  void write_line(int64_t plane, int64_t row, int64_t column, int64_t count, T* line, bool of_x, bool add);
  void pixels(int64_t plane, int64_t row, int64_t column, int64_t count, T* gradient, T sign, bool sum);
  void clear_borders(int64_t from, int64_t to);

  template <int LENGTH, int OUT, class At>
  INLINE void correlate(V (&out)[OUT], const V* window, At at) const;
  template <int LENGTH, class At>
  INLINE void filter_row(V* __restrict out, const V* window, int length, At at) const;
  template <int LENGTH>
  __attribute__((noinline)) void filter_row_of(V* out, const V* window, int length, const V* from) const;
  template <int LENGTH>
  __attribute__((noinline)) void filter_group_of(V (&out)[kGroup], const V* window, const V* const* ring, int stride, int before, int at) const;
  void filter_row(V* out, const V* window, int length, const V* from) const;
  INLINE void filter_group(V (&out)[kGroup], const V* window, const V* const* ring, int stride, int before, int at) const;

  int taps() const { return TAPS ? TAPS : job_->taps; }
  int halo() const { return taps() - 1; }
  int groups() const { return TAPS ? kRing : (taps() + kGroup - 2) / kGroup + 1; }
  int slot(int64_t group) const { return (int)(group % groups()) * kGroup; }
  V* images(int64_t row) { return images_ + (slot(row / kGroup) + row % kGroup) * kImages; }
  int64_t map_h() const { return job_->height + 2 * job_->pad - halo(); }
  int64_t map_w() const { return job_->width + 2 * job_->pad - halo(); }
  bool is_folded_onto(int64_t row) const { return row <= job_->pad || row >= job_->height - 1 - job_->pad; }
  bool wants_gradient() const { return job_->grad_x.data; }
  // Segments of lanes without a plane of their own show the first one again.
  void fill(const T** segments) const {
    for (int lane = planes_ * lanes_per_plane_; lane < kLanes; lane++) segments[lane] = segments[lane % lanes_per_plane_];
  }
  int places() const { return kLanes / lanes_per_plane_; }  // for planes side by side, of which the last may be free
  T* line_of(T* lines, int plane) const { return lines + plane * lanes_per_plane_ * length_; }
  template <class P>
  void cut(P* line, int plane, P** segments) const {
    for (int lane = 0; lane < lanes_per_plane_; lane++) segments[plane * lanes_per_plane_ + lane] = line + lane * length_;
  }
  bool in_lanes(const Image& image) const {
    return fits_ && lies_as_wanted<T>(image);
  }

  // What is being worked on.
  const Similarity* job_;
  int64_t plane_;          // the first of `planes_` that lie side by side
  int planes_, lanes_per_plane_;
  int64_t from_, to_;      // rows of the (bordered) image whose gradient is written; of its map, rows that are summed
  int64_t column_, end_;   // likewise its columns
  int64_t start_;          // column of the first pixel that is read
  int64_t origin_;         // row of the first group
  int length_;             // pixels per segment
  int width_;              // pixels per row
  int known_;              // length of the window where there is code for that very length, else 0
  int inside_;             // positions in a segment at which the window fits in all of them
  bool fits_;              // whole squares of pixels, as they lie in memory: rows are not copied on their way to the lanes and back

  Window window_;
  int64_t begin_[5][kLanes];  // of x, y, grad_x, grad_y, mask: where the planes begin
  V centre_[2];               // of x and y, per plane
  V offset_x_, offset_d_, scale_;  // per plane: what is missing in the centred means of x and x - y; factor of the derivatives
  V factors_[kSums];               // per plane: what the derivatives of each sum are multiplied by, where they differ
  M in_map_[kSegment], counted_[kSegment];  // masks: the window fits; and the position is this tile's
  V images_[kRing * kGroup * kImages];
  V filtered_[kRing * kGroup * kFiltered];
  V derived_[kRing * kGroup * kDerived];
  V spread_[kGroup * kMaps * (kRow + kHalo)];
  V products_[Equation::kProducts * kRow];
  V map_[kGroup * (kRow + kLanes)], upstream_[kGroup * (kRow + kLanes)];
  V combined_[2 * (kRow + kLanes)];
  T lines_[kTile + 2 * kLanes], other_lines_[kTile + 2 * kLanes], mask_lines_[kTile + 2 * kLanes], pixel_lines_[2 * (kTile + kLanes)];
  T fine_lines_[4 * (kTile + kLanes)];
};

// out[o] = sum over k of window[k] * at(o + k). LENGTH: of a symmetric window, or 0 for any.
template <class T, int TAPS, class Equation>
template <int LENGTH, int OUT, class At>
INLINE void Stream<T, TAPS, Equation>::correlate(V (&out)[OUT], const V* window, At at) const {
  for (int o = 0; o < OUT; o++) out[o] = V{};
#if !defined(__FMA__) && !defined(__ARM_FEATURE_FMA)
  if constexpr (TAPS != 0) {  // without a fused multiply-add, equal weights are worth adding up before
#pragma GCC unroll 8
    for (int o = 0; o < OUT; o++) {
      out[o] = window[TAPS / 2] * at(o + TAPS / 2);
#pragma GCC unroll 16
      for (int k = 0; k < TAPS / 2; k++) out[o] += window[k] * (at(o + k) + at(o + TAPS - 1 - k));
    }
    return;
  }
#endif
  if constexpr (LENGTH != 0) {  // every vector is loaded once, the weights stay in registers
    V weight[LENGTH / 2 + 1];
    for (int k = 0; k <= LENGTH / 2; k++) weight[k] = window[k];
#pragma GCC unroll 48
    for (int i = 0; i < OUT + LENGTH - 1; i++) {
      const V v = at(i);
#pragma GCC unroll 8
      for (int o = 0; o < OUT; o++) {
        const int k = i - o;
        if (k >= 0 && k < LENGTH) out[o] += weight[k <= LENGTH / 2 ? k : LENGTH - 1 - k] * v;
      }
    }
  } else {
    for (int k = 0; k < job_->taps; k++) {
      const V weight = window[k];
#pragma GCC unroll 8
      for (int o = 0; o < OUT; o++) out[o] += weight * at(o + k);
    }
  }
}

template <class T, int TAPS, class Equation>
template <int LENGTH, class At>
INLINE void Stream<T, TAPS, Equation>::filter_row(V* __restrict out, const V* window, int length, At at) const {
  int i = 0;
  for (; i + 8 <= length; i += 8) {
    V v[8];
    correlate<LENGTH>(v, window, [&](int k) INLINE_LAMBDA { return at(i + k); });
    for (int o = 0; o < 8; o++) out[i + o] = v[o];
  }
  for (; i + 4 <= length; i += 4) {
    V v[4];
    correlate<LENGTH>(v, window, [&](int k) INLINE_LAMBDA { return at(i + k); });
    for (int o = 0; o < 4; o++) out[i + o] = v[o];
  }
  for (; i < length; i++) {
    V v[1];
    correlate<LENGTH>(v, window, [&](int k) INLINE_LAMBDA { return at(i + k); });
    out[i] = v[0];
  }
}

// Where the length of the window is none of the type's, lengths in use have code of their own all the same, in the filters alone.
template <class T, int TAPS, class Equation>
template <int LENGTH>
void Stream<T, TAPS, Equation>::filter_row_of(V* out, const V* window, int length, const V* from) const {
  filter_row<LENGTH>(out, window, length, [from](int i) INLINE_LAMBDA { return from[i]; });
}

template <class T, int TAPS, class Equation>
template <int LENGTH>
void Stream<T, TAPS, Equation>::filter_group_of(V (&out)[kGroup], const V* window, const V* const* ring, int stride, int before, int at) const {
  correlate<LENGTH>(out, window, [&](int r) INLINE_LAMBDA { return ring[(r + before) / kGroup][(r + before) % kGroup * stride + at]; });
}

// The usual 11 taps, and those of the scales of MS-SSIM + L1. Fewer are as fast as any.
#define FOR_LENGTH(call)            \
  if constexpr (kKnown) {           \
    switch (known_) {               \
      case 11: return call(11);     \
      case 13: return call(13);     \
      case 25: return call(25);     \
      case 33: return call(33);     \
    }                               \
  }                                 \
  call(0)

// out[i] = the sum over k of window[k] * from[i + k]
template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::filter_row(V* out, const V* window, int length, const V* from) const {
#define CALL(count) filter_row_of<count>(out, window, length, from)
  if constexpr (TAPS != 0) {
    filter_row<TAPS>(out, window, length, [from](int i) INLINE_LAMBDA { return from[i]; });
  } else {
    FOR_LENGTH(CALL);
  }
#undef CALL
}

// The same down column `at` of the rows of a ring, from row `before` on.
template <class T, int TAPS, class Equation>
INLINE void Stream<T, TAPS, Equation>::filter_group(V (&out)[kGroup], const V* window, const V* const* ring, int stride, int before,
                                                    int at) const {
#define CALL(count) filter_group_of<count>(out, window, ring, stride, before, at)
  if constexpr (TAPS != 0) {
    correlate<TAPS>(out, window, [&](int r) INLINE_LAMBDA { return ring[(r + before) / kGroup][(r + before) % kGroup * stride + at]; });
  } else {
    FOR_LENGTH(CALL);
  }
#undef CALL
}
#undef FOR_LENGTH

// --- how the work is cut ------------------------------------------------------------------------------------------------------------

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::run(const Similarity& job, int share, int shares) {
  job_ = &job;
  T window[kMaxTaps];
  double missing = 1;
  for (int k = 0; k < taps(); k++) missing -= window[k] = (T)job.window[k];
  // Rounded weights add up to a little more or less than 1, which would bias every variance by that share of the squared mean. The outer
  // taps, the smallest, can take up what is missing to most digits.
  window[0] += T(missing / 2);
  window[taps() - 1] += T(missing / 2);
  for (int k = 0; k < taps(); k++) {
    window_.taps[k] = broadcast(window[k]);
    window_.turned[k] = broadcast(window[taps() - 1 - k]);
  }
  known_ = kKnown ? job.taps : 0;
  for (int k = 0; k < job.taps / 2; k++)
    if (job.window[k] != job.window[job.taps - 1 - k]) known_ = 0;
  const int64_t height = job.height + 2 * job.pad, width = job.width + 2 * job.pad;
  const bool alike = Equation::kAlike || job.alike;
  int side_by_side = 1;  // planes: until a lane has pixels enough that the windows between segments do not weigh
  while (2 * side_by_side <= kLanes && (alike || 2 * side_by_side <= job.planes) && side_by_side * width < 24 * kLanes &&
         2 * side_by_side * width <= kTile)
    side_by_side *= 2;
  // What is left over fills lanes of one plane each, or, to be summed alike in any company, as many lanes as planes in a full unit have.
  const int64_t whole = job.planes / side_by_side, left = job.planes % side_by_side, units = whole + (alike ? left > 0 : left);
  // Units of one or several planes lie below each other. A share begins at a multiple of a group, and not among the rows next to an edge
  // onto which the border is folded.
  const int64_t fold = job.border == kReflect || job.border == kReplicate ? 2 * job.pad + 1 : 0;
  const auto snapped = [&](int64_t row) {
    const int64_t unit = row / height;
    int64_t r = (row % height + kGroup / 2) / kGroup * kGroup;
    if (r < fold) r = 0;
    if (r > height - fold) r = height;
    return unit * height + r;
  };
  const int64_t first = snapped(units * height * share / shares), last = snapped(units * height * (share + 1) / shares);
  for (int64_t row = first; row < last;) {
    const int64_t unit = row / height, to = last < (unit + 1) * height ? last - unit * height : height;
    if (unit < whole)
      block(unit * side_by_side, side_by_side, kLanes / side_by_side, row - unit * height, to);
    else if (alike)
      block(whole * side_by_side, (int)left, kLanes / side_by_side, row - unit * height, to);
    else
      block(whole * side_by_side + (unit - whole), 1, kLanes, row - unit * height, to);
    row = unit * height + to;
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::block(int64_t plane, int planes, int lanes_per_plane, int64_t from, int64_t to) {
  const Similarity& job = *job_;
  plane_ = plane;
  planes_ = planes;
  lanes_per_plane_ = lanes_per_plane;
  from_ = from;
  to_ = to;
  for (int lane = 0; lane < kLanes; lane++) {
    const int64_t p = lane / lanes_per_plane_ < planes ? plane + lane / lanes_per_plane_ : plane;
    centre_[0][lane] = ((const T*)job.centre_x)[p];
    centre_[1][lane] = ((const T*)job.centre_y)[p];
    offset_x_[lane] = centre_[0][lane] - T(job.low);
    offset_d_[lane] = centre_[0][lane] - centre_[1][lane];
    scale_[lane] = T(job.scale * (job.plane_scale ? job.plane_scale[p] : 1));
    for (int k = 0; k < kSums; k++) factors_[k][lane] = job.sum_scales ? T(job.sum_scales[kSums * p + k]) : T(0);
  }
  const Image* images[5] = {&job.x, &job.y, &job.grad_x, &job.grad_y, &job.mask};
  for (int k = 0; k < 5; k++)
    for (int p = 0; p < planes; p++) begin_[k][p] = start_of(*images[k], plane + p, job.channels, 0, 0);
  if (job.row_sums)
    for (int p = 0; p < planes; p++)
      for (int64_t i = kSums * from; i < kSums * to && i < kSums * map_h(); i++) job.row_sums[kSums * (plane + p) * map_h() + i] = 0;
  if (job.pixel_sums)
    for (int p = 0; p < planes; p++)
      for (int64_t row = from; row < to; row++)
        if (row >= job.pad && row < job.height + job.pad) job.pixel_sums[(plane + p) * job.height + row - job.pad] = 0;
  if (wants_gradient() && !job.add && (job.border == kReflect || job.border == kReplicate)) clear_borders(from, to);

  const int64_t width = job.width + 2 * job.pad;
  const int64_t widest = kTile - 2 * halo();
  const int64_t tiles = width <= kTile ? 1 : (width + widest - 1) / widest;
  for (int64_t t = 0; t < tiles; t++) tile(width * t / tiles, width * (t + 1) / tiles);  // of like widths: none narrower than a border
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::tile(int64_t column, int64_t end) {
  const int64_t width = job_->width + 2 * job_->pad, height = job_->height + 2 * job_->pad;
  column_ = column;
  end_ = end;
  start_ = wants_gradient() && column > halo() ? column - halo() : wants_gradient() ? 0 : column;
  width_ = (int)((end + halo() < width ? end + halo() : width) - start_);
  length_ = (width_ + lanes_per_plane_ - 1) / lanes_per_plane_;
  fits_ = width_ == lanes_per_plane_ * length_ && length_ % kLanes == 0 && job_->pad == 0 && !job_->halving && !job_->stored;
  const int64_t last = end < map_w() ? end : map_w();
  inside_ = last - start_ - (lanes_per_plane_ - 1) * length_ > 0 ? (int)(last - start_) - (lanes_per_plane_ - 1) * length_ : 0;
  for (int i = 0; i < length_; i++)
    for (int lane = 0; lane < kLanes; lane++) {
      const int64_t c = start_ + lane % lanes_per_plane_ * length_ + i;
      in_map_[i][lane] = c < last ? -1 : 0;
      counted_[i][lane] = c >= column && c < last ? -1 : 0;
    }

  const int before = (halo() + kGroup - 1) / kGroup * kGroup;  // rows above whose windows reach into ours
  origin_ = !wants_gradient() || from_ < before ? (wants_gradient() ? 0 : from_) : from_ - before;
  if (wants_gradient())  // the groups above the first
    for (int row = kGroup; row < groups() * kGroup; row++) clear_derived(derived_ + row * kDerived);
  const int64_t until = wants_gradient() || job_->pixel ? to_ : (to_ < map_h() ? to_ : map_h());
  const int64_t needed = until + halo() < height ? until + halo() : height;
  int64_t next = 0;  // rows are counted from the origin
  for (int64_t row = 0; origin_ + row < until; row += kGroup) {
    for (; next < row + groups() * kGroup && origin_ + next < needed; next++) read(next);
    compare(row);
    if (origin_ + row < from_) continue;
    if (wants_gradient()) spread(row);
    for (int64_t r = row; r < row + kGroup && origin_ + r < to_; r++) {
      if (wants_gradient())
        combine(r);
      else if (job_->pixel)
        for (int p = 0; p < planes_; p++) pixels(plane_ + p, origin_ + r, column_, end_ - column_, nullptr, 1, true);
    }
  }
}

// --- the phases ---------------------------------------------------------------------------------------------------------------------

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::read(int64_t row) {
  V* x = images(row);
  V* y = x + kRow;
  T* const room[3] = {lines_, other_lines_, mask_lines_};
  const T* segments[kRead][kLanes];
  bool in_place[kRead];
  for (int image = 0; image < kRead; image++) {
    in_place[image] = in_lanes(image == 0 ? job_->x : image == 1 ? job_->y : job_->mask);
    for (int p = 0; p < planes_; p++) {
      const Rows<T> rows = rows_of(image, p);
      if (in_place[image]) {
        cut((const T*)rows.image.data + rows.at(origin_ + row, start_), p, segments[image]);
        continue;
      }
      T* line = line_of(room[image], p);
      rows.read(origin_ + row, start_, width_, line);
      for (int i = width_; i < lanes_per_plane_ * length_; i++) line[i] = T(0);
      cut((const T*)line, p, segments[image]);
    }
    fill(segments[image]);
  }
  // Only now: what has just been written cannot be read back at another alignment without a wait.
  to_lanes<T>(x, segments[0], length_, in_place[0] ? centre_[0] : V{});
  to_lanes<T>(y, segments[1], length_, in_place[1] ? centre_[1] : V{});
  if constexpr (Equation::kMasked) {
    V* mask = y + kRow;
    to_lanes<T>(mask, segments[2], length_, V{});
    for (int i = 0; i < length_; i++) {
      const M seen = mask[i] != V{};
      x[i] = keep<T>(x[i], seen);
      y[i] = keep<T>(y[i], seen);
    }
  }
  for (int image = 0; image < kRead; image++) {
    V* pixels = x + image * kRow;
    for (int k = 0; k < halo(); k++) pixels[length_ + k] = from_next_lane<T>(pixels[k]);
  }
  const V* maps[kMoments];
  Equation::template products<V>(x, y, products_, kRow, length_ + halo(), maps);
  V* out = filtered_ + (slot(row / kGroup) + row % kGroup) * kFiltered;
  for (int m = 0; m < kMoments; m++) {
    for (int p = 0; m < 4 && p < planes_; p++)  // a part of a later row at a time: the processor keeps track of a dozen lines or so
      rows_of(m / 2, p).expect(origin_ + row + kGroup, start_ + m % 2 * (width_ / 2), (width_ + 1) / 2);
    filter_row(out + m * kSegment, window_.taps, length_, maps[m]);
  }
}

template <class T, int TAPS, class Equation>
INLINE Rows<T> Stream<T, TAPS, Equation>::rows_of(int image, int plane) {
  const Similarity& job = *job_;
  T *above = fine_lines_, *below = fine_lines_ + 2 * (kTile + kLanes);
  if (image == 2) return {job.mask, job, begin_[4][plane], T(0), T(1), above, below};  // zeros beyond the border are pixels like others
  const T centre = ((const T*)(image ? job.centre_y : job.centre_x))[plane_ + plane];
  return {image ? job.y : job.x, job, begin_[image][plane], centre, T(job.low) - centre, above, below};
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::compare(int64_t row) {
  const Similarity& job = *job_;
  V* derived = derived_ + slot(row / kGroup) * kDerived;
  const int64_t valid = map_h() - origin_ - row;  // of the 8 rows, those whose windows fit
  if (valid > 0) {
    const int gradients = (job.grad_x.data != nullptr) + (job.grad_y.data != nullptr);
    [[maybe_unused]] const bool mapped = job.map.data || job.upstream.data;
    if (job.upstream.data) read_upstream(row);
    Equation::template points<T>(job, scale_, offset_x_, offset_d_, factors_, [&](const auto& point) INLINE_LAMBDA {
      if constexpr (Equation::kMapped) {
        if (mapped) {
          gradients == 0   ? compare_points<0, true>(row, point)
          : gradients == 1 ? compare_points<1, true>(row, point)
                           : compare_points<2, true>(row, point);
          return;
        }
      }
      gradients == 0   ? compare_points<0, false>(row, point)
      : gradients == 1 ? compare_points<1, false>(row, point)
                       : compare_points<2, false>(row, point);
    });
    if (job.map.data) write_map(row);
  }
  if (!wants_gradient()) return;
  for (int64_t r = valid < 0 ? 0 : valid; r < kGroup; r++) clear_derived(derived + r * kDerived);
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::clear_derived(V* row) {
  for (int m = 0; m < kMaps; m++)
    for (int i = 0; i < length_; i++) row[m * kSegment + i] = V{};
}

template <class T, int TAPS, class Equation>
template <int GRADIENTS, bool MAPPED, class Point>
void Stream<T, TAPS, Equation>::compare_points(int64_t row, const Point& point) {
  const Similarity& job = *job_;
  const V zero = V{};
  constexpr int kWanted = Equation::derived(GRADIENTS);
  const V* ring[kRing];
  for (int g = 0; g < groups(); g++) ring[g] = filtered_ + slot(row / kGroup + g) * kFiltered;
  V* derived = derived_ + slot(row / kGroup) * kDerived;
  V sums[kSums][kGroup];
  for (int k = 0; k < kSums; k++)
    for (int r = 0; r < kGroup; r++) sums[k][r] = zero;

  for (int first = 0; first < length_; first += kBlock) {
    const int count = length_ - first < kBlock ? length_ - first : kBlock;
    V means[kBlock][kMoments][kGroup];
    for (int c = 0; c < count; c++)
      for (int m = 0; m < kMoments; m++) {
        filter_group(means[c][m], window_.taps, ring, kFiltered, 0, m * kSegment + first + c);
      }
    for (int c = 0; c < count; c++) {
      const int i = first + c;
      const M counted = counted_[i];
      for (int r = 0; r < kGroup; r++) {
        V moments[kMoments], values[kSums], slopes[kMaps], upstream = zero;
        for (int m = 0; m < kMoments; m++) moments[m] = means[c][m][r];
        if (MAPPED && GRADIENTS) upstream = upstream_[r * (kRow + kLanes) + i];
        point.template at<GRADIENTS, MAPPED>(moments, upstream, values, slopes);
        for (int k = 0; k < kSums; k++) sums[k][r] += keep<T>(values[k], counted);
        if (MAPPED && job.map.data) map_[r * (kRow + kLanes) + i] = values[0];
        if (GRADIENTS == 0) continue;
        V* out = derived + r * kDerived + i;
        for (int m = 0; m < kWanted; m++) out[m * kSegment] = slopes[m];
      }
      if (GRADIENTS == 0 || i < inside_) continue;
      for (int r = 0; r < kGroup; r++)
        for (int m = 0; m < kWanted; m++) {
          V& value = derived[r * kDerived + m * kSegment + i];
          value = keep<T>(value, in_map_[i]);
        }
    }
  }
  if (!job.row_sums) return;
  for (int r = 0; r < kGroup; r++) {
    const int64_t map_row = origin_ + row + r;
    if (map_row < from_ || map_row >= to_ || map_row >= map_h()) continue;
    for (int p = 0; p < planes_; p++) {
      for (int k = 0; k < kSums; k++) {
        double sum = 0;
        for (int lane = p * lanes_per_plane_; lane < (p + 1) * lanes_per_plane_; lane++) sum += sums[k][r][lane];
        job.row_sums[((plane_ + p) * map_h() + map_row) * kSums + k] += sum;
      }
    }
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::read_upstream(int64_t row) {
  const Image& upstream = job_->upstream;
  const int64_t count = (start_ + width_ < map_w() ? start_ + width_ : map_w()) - start_;
  for (int64_t r = 0; r < kGroup && origin_ + row + r < map_h(); r++) {
    for (int p = 0; p < planes_; p++) {
      T* line = line_of(lines_, p);
      read_line(upstream, start_of(upstream, plane_ + p, job_->channels, origin_ + row + r, start_), count, T(0), line);
      for (int64_t i = count; i < lanes_per_plane_ * length_; i++) line[i] = T(0);
    }
    const T* segments[kLanes];
    for (int p = 0; p < planes_; p++) cut((const T*)line_of(lines_, p), p, segments);
    fill(segments);
    to_lanes<T>(upstream_ + r * (kRow + kLanes), segments, length_, V{});
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write_map(int64_t row) {
  const Image& map = job_->map;
  const int64_t last = end_ < map_w() ? end_ : map_w();
  for (int64_t r = 0; r < kGroup && origin_ + row + r < map_h(); r++) {
    const int64_t map_row = origin_ + row + r;
    if (map_row < from_ || map_row >= to_) continue;
    T* segments[kLanes];
    for (int p = 0; p < places(); p++) cut(line_of(lines_, p), p, segments);
    from_lanes<T>(segments, map_ + r * (kRow + kLanes), length_);
    for (int p = 0; p < planes_; p++) {
      const T* line = line_of(lines_, p) - start_;
      T* out = (T*)map.data + start_of(map, plane_ + p, job_->channels, map_row, 0);
      for (int64_t c = column_; c < last; c++) out[c] = line[c];  // the map is ours, its rows are contiguous
    }
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::spread(int64_t row) {
  const int maps = Equation::derived(job_->grad_y.data ? 2 : 1);
  const int before = (groups() - 1) * kGroup - halo();  // of the first ring row, those that no window reaches
  const V* ring[kRing];
  for (int g = 0; g < groups(); g++) ring[g] = derived_ + slot(row / kGroup + 1 + g) * kDerived;  // the oldest comes after the newest
  for (int m = 0; m < maps; m++)
    for (int i = 0; i < length_; i++) {
      V v[kGroup];
      filter_group(v, window_.turned, ring, kDerived, before, m * kSegment + i);
      for (int r = 0; r < kGroup; r++) spread_[(r * kMaps + m) * (kRow + kHalo) + kHalo + i] = v[r];
    }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::combine(int64_t row) {
  const bool both = job_->grad_y.data;
  const V* x = images(row);
  const V* y = x + kRow;
  V *of_x = combined_, *of_y = combined_ + kRow + kLanes;
  V* maps = spread_ + row % kGroup * kMaps * (kRow + kHalo) + kHalo;
  V filtered[kMaps][kSegment];
  for (int m = 0; m < Equation::derived(both ? 2 : 1); m++) {
    V* map = maps + m * (kRow + kHalo);
    for (int k = 1; k <= halo(); k++) map[-k] = from_previous_lane<T>(map[length_ - k]);
    filter_row(filtered[m], window_.turned, length_, map - halo());
  }
  for (int i = 0; i < length_; i++) {
    V maps_here[kMaps];
    for (int m = 0; m < kMaps; m++) maps_here[m] = filtered[m][i];
    Equation::template pixel<V>(x[i], y[i], maps_here, both, of_x[i], of_y[i]);
    if constexpr (Equation::kMasked) {
      const V mask = y[kRow + i];
      of_x[i] *= mask;
      if (both) of_y[i] *= mask;
    }
  }
  write(row, of_x, true);
  if (both) write(row, of_y, false);
}

// --- the gradient of a row to its place -----------------------------------------------------------------------------------------------

// Rows onto which the border is folded are added to: they begin at 0.
template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::clear_borders(int64_t from, int64_t to) {
  const Similarity& job = *job_;
  const Image* gradients[2] = {&job.grad_x, &job.grad_y};
  for (int64_t row = 0; row < job.height; row++) {
    if (!is_folded_onto(row) || row + job.pad < from || row + job.pad >= to) continue;
    for (int g = 0; g < (job.grad_y.data ? 2 : 1); g++)
      for (int p = 0; p < planes_; p++)
        for (int64_t c = 0; c < job.width; c++) {
          const Image& gradient = *gradients[g];
          ((T*)gradient.data)[start_of(gradient, plane_ + p, job.channels, row, c)] = 0;
        }
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write(int64_t row, const V* lanes, bool of_x) {
  const Similarity& job = *job_;
  const Image& grad = of_x ? job.grad_x : job.grad_y;
  const bool in_place = in_lanes(grad) && end_ - column_ == width_ && !job.pixel && !job.add && !(of_x ? job.coarse_x : job.coarse_y);
  T* segments[kLanes];
  for (int p = planes_; p < places(); p++) cut(line_of(lines_, p), p, segments);
  for (int p = 0; p < planes_; p++) {
    const int64_t start = begin_[of_x ? 2 : 3][p] + (origin_ + row) * grad.stride[2];
    if (in_place && origin_ + row + kGroup < job.height) expect_line<1>(grad, start + kGroup * grad.stride[2], width_);
    cut(in_place ? (T*)grad.data + start : line_of(lines_, p), p, segments);
  }
  from_lanes<T>(segments, lanes, length_);
  if (!in_place) write_lines(row, lines_, of_x);
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write_lines(int64_t row, T* lines, bool of_x) {
  const Similarity& job = *job_;
  const int64_t pad = job.pad, w = job.width;
  int64_t r = origin_ + row - pad;
  const bool inside = r >= 0 && r < job.height;
  bool add = job.add;
  if (job.border == kZeros && !inside) return;
  if (job.border == kReflect || job.border == kReplicate) {
    if (!inside) r = job.border == kReplicate ? clamped(r, job.height) : r < 0 ? -r : 2 * (job.height - 1) - r;
    add |= is_folded_onto(r);
  }
  // Columns of the image, and the columns of the border folded onto them.
  const int64_t first = column_ < pad ? 0 : column_ - pad, end = end_ - pad < w ? end_ - pad : w;
  for (int p = 0; p < planes_; p++) {
    T* line = line_of(lines, p) + pad - start_;  // indexed by the column of the image
    if (job.border == kReflect || job.border == kReplicate) {
      for (int64_t c = column_ - pad; c < 0; c++) line[job.border == kReflect ? -c : 0] += line[c];
      for (int64_t c = w; c < end_ - pad; c++) line[job.border == kReflect ? 2 * (w - 1) - c : w - 1] += line[c];
    }
    if (job.pixel && inside) pixels(plane_ + p, origin_ + row, first + pad, end - first, line + first, of_x ? 1 : -1, of_x);
    write_line(plane_ + p, r, first, end - first, line + first, of_x, add);
  }
}

template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::write_line(int64_t plane, int64_t row, int64_t column, int64_t count, T* line, bool of_x, bool add) {
  const Similarity& job = *job_;
  const Image& grad = of_x ? job.grad_x : job.grad_y;
  const void* coarser = of_x ? job.coarse_x : job.coarse_y;
  int64_t coarse_row;
  if (coarser) {
    const int times = times_held(job.to_coarse, row, job.coarse_h, &coarse_row);
    if (times) {
      const T* coarse = (const T*)coarser + (plane * job.coarse_h + coarse_row) * job.coarse_w;
      spread_row<T>(line, column, count, T(1), job.to_coarse, coarse, 0, job.coarse_w, T(0.25) * times);
    }
  }
  if (job.halving && job.fine_scale) {  // the gradient is kept at the finer scale
    const Halving& h = *job.halving;
    const T keep = (T)job.fine_scale[plane];
    const int64_t left = column ? 2 * column - h.before_w : 0;
    const int64_t right = column + count == job.width ? h.fine_w : 2 * (column + count) - h.before_w;
    const int64_t bottom = row + 1 == job.height ? h.fine_h : 2 * row - h.before_h + 2;
    for (int64_t fine = row ? 2 * row - h.before_h : 0; fine < bottom && fine < h.fine_h; fine++) {
      const int times = times_held(h, fine, job.height, &coarse_row);
      T* out = (T*)grad.data + start_of(grad, plane, job.channels, fine, left);
      spread_row<T>(out, left, right - left, keep, h, line, column, job.width, T(0.25) * times);
    }
    return;
  }
  T* __restrict out = (T*)grad.data + start_of(grad, plane, job.channels, row, column);
  if (row + kGroup < job.height) expect_line<1>(grad, start_of(grad, plane, job.channels, row + kGroup, column), count);
  const int64_t step = grad.stride[3];
  if (add)
    for (int64_t i = 0; i < count; i++) out[i * step] += line[i];
  else if (step == 1)
    for (int64_t i = 0; i < count; i++) out[i] = line[i];
  else
    for (int64_t i = 0; i < count; i++) out[i * step] = line[i];
}

// A distance per pixel: its sum, and its derivative added to a piece of the gradient.
template <class T, int TAPS, class Equation>
void Stream<T, TAPS, Equation>::pixels(int64_t plane, int64_t row, int64_t column, int64_t count, T* gradient, T sign, bool sum) {
  const Similarity& job = *job_;
  row -= job.pad;
  if (row < 0 || row >= job.height) return;
  if (column < job.pad) {
    count -= job.pad - column;
    column = job.pad;
  }
  if (count > job.width + job.pad - column) count = job.width + job.pad - column;
  if (count <= 0) return;
  T *x = pixel_lines_, *y = pixel_lines_ + kTile + kLanes;
  read_line(job.x, start_of(job.x, plane, job.channels, row, column - job.pad), count, T(0), x);
  read_line(job.y, start_of(job.y, plane, job.channels, row, column - job.pad), count, T(0), y);
  const double total = pixel_line<T>(job.pixel, x, y, gradient, count, (T)job.eps, sign * (T)job.pixel_weight);
  if (sum && job.pixel_sums) job.pixel_sums[plane * job.height + row] += total;
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
