// The passes of Stream over a group of rows: reading, filtering, comparison, and the way back to pixels. Included by stream.h.

#pragma once

#include "stream.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

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

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
