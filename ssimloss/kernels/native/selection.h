// Order statistics of numbers that are not negative, whose bits are ordered as integers are.

#pragma once

#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// The bits of numbers, as many as `vectors` hold.
template <class T>
struct Keys {
  using Key = typename Lanes<T>::Integer;
  static constexpr int kLanes = Lanes<T>::count;
  static constexpr int64_t kFew = 64;  // one of so many keys is left when they are copied
  static constexpr Key kLargest = sizeof(Key) == 4 ? (Key)INT32_MAX : (Key)INT64_MAX;

  const Mask<T>* keys;
  int64_t vectors;

  // How many keys are not above a limit.
  int64_t up_to(Key limit) const {
    Mask<T> found{};
    for (int64_t i = 0; i < vectors; i++) found -= keys[i] <= limit - Mask<T>{};
    int64_t all = 0;
    for (int lane = 0; lane < kLanes; lane++) all += found[lane];
    return all;
  }

  // The least key above a limit.
  Key above(Key limit) const {
    Mask<T> least = kLargest - Mask<T>{};
    for (int64_t i = 0; i < vectors; i++) {
      const Mask<T> closer = (keys[i] > limit - Mask<T>{}) & (keys[i] < least);
      least = (keys[i] & closer) | (least & ~closer);
    }
    Key found = kLargest;
    for (int lane = 0; lane < kLanes; lane++) found = least[lane] < found ? least[lane] : found;
    return found;
  }

  static INLINE bool any_of(Mask<T> mask) {
    uint64_t parts[kBytes / sizeof(uint64_t)], all = 0;
    __builtin_memcpy(parts, &mask, sizeof parts);
    for (uint64_t part : parts) all |= part;
    return all != 0;
  }

  int64_t position_of(Key key) const {
    int64_t i = 0;
    while (!any_of(keys[i] == key - Mask<T>{})) i++;
    int lane = 0;
    while (keys[i][lane] != key) lane++;
    return i * kLanes + lane;
  }

  // The key of a rank, counted from 1. Halves the range of keys; when it holds few of them, goes on with these alone, in `room`.
  Key of_rank(int64_t rank, Key* room) const {
    Key low = 0, high = kLargest;
    int64_t below = 0, within = vectors * kLanes;
    while (low < high && within > vectors * kLanes / kFew) {
      const Key middle = low + (high - low) / 2;
      const int64_t found = up_to(middle);
      if (found >= rank) {
        high = middle;
        within = found - below;
      } else {
        low = middle + 1;
        within -= found - below;
        below = found;
      }
    }
    if (low == high) return low;
    int64_t few = 0;
    for (int64_t i = 0; i < vectors; i++) {
      const Mask<T> inside = (keys[i] >= low - Mask<T>{}) & (keys[i] <= high - Mask<T>{});
      if (!any_of(inside)) continue;
      for (int lane = 0; lane < kLanes; lane++)
        if (inside[lane]) room[few++] = keys[i][lane];
    }
    while (low < high) {
      const Key middle = low + (high - low) / 2;
      int64_t found = below;
      for (int64_t i = 0; i < few; i++) found += room[i] <= middle;
      if (found >= rank)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
