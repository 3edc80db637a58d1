// The distance of two sorted rows, and its gradient: mean_j |x_(j) - y_(j)|^power of each plane, whose pixels count in any order.
//
// A stable radix sort of keys that are ordered as integers. The first digit is taken from the pixels themselves, and a digit that all keys
// share is left out. What is sorted besides the keys are positions of 32 bits, and only where there is a gradient to scatter. NaN comes last,
// whatever its sign, and the two zeros are equal.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kMostBits = 11;
constexpr int64_t kFewAlike = 32;  // keys with the same higher digits that are inserted one by one

template <class T>
struct SortKey;
template <>
struct SortKey<float> {
  using Bits = uint32_t;
};
template <>
struct SortKey<double> {
  using Bits = uint64_t;
};
template <class T>
using Bits = typename SortKey<T>::Bits;

constexpr int most_passes(int bits) { return (bits + 7) / 8; }

template <class T>
INLINE Bits<T> key_of(T value) {
  using B = Bits<T>;
  constexpr B kSign = B(1) << (8 * sizeof(B) - 1);
  value += T(0);  // -0 becomes 0
  B bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (value != value) return ~B(0);
  return bits & kSign ? ~bits : bits | kSign;
}

template <class T>
INLINE T value_of(Bits<T> key) {
  using B = Bits<T>;
  constexpr B kSign = B(1) << (8 * sizeof(B) - 1);
  const B bits = key & kSign ? key ^ kSign : ~key;
  T value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// What is moved by a pass: a key alone, or with the position that it came from.
template <class T>
struct KeyAlone {
  Bits<T> key;
  INLINE static KeyAlone of(T value, uint32_t) { return {key_of(value)}; }
};
template <class T>
struct KeyAt {
  Bits<T> key;
  uint32_t position;
  INLINE static KeyAt of(T value, uint32_t position) { return {key_of(value), position}; }
};

// Turns the counts of digits into where the entries of each begin.
INLINE void begins_of(uint32_t* counts, int digits) {
  uint32_t begin = 0;
  for (int digit = 0; digit < digits; digit++) {
    const uint32_t held = counts[digit];
    counts[digit] = begin;
    begin += held;
  }
}

// Sorts entries by the lowest `bits` bits of their keys, in place; `other` holds as many.
template <class T, class Entry>
void sort_lowest(Entry* entries, Entry* other, int64_t count, int bits, uint32_t* counts) {
  if (count <= kFewAlike) {
    for (int64_t i = 1; i < count; i++) {
      const Entry entry = entries[i];
      int64_t j = i;
      for (; j > 0 && entries[j - 1].key > entry.key; j--) entries[j] = entries[j - 1];
      entries[j] = entry;
    }
    return;
  }
  constexpr int kDigits = 1 << 8;
  Entry *from = entries, *to = other;
  for (int shift = 0; shift < bits; shift += 8) {
    for (int digit = 0; digit < kDigits; digit++) counts[digit] = 0;
    for (int64_t i = 0; i < count; i++) counts[from[i].key >> shift & (kDigits - 1)]++;
    if (counts[from[0].key >> shift & (kDigits - 1)] == (uint32_t)count) continue;
    begins_of(counts, kDigits);
    for (int64_t i = 0; i < count; i++) to[counts[from[i].key >> shift & (kDigits - 1)]++] = from[i];
    Entry* const sorted = to;
    to = from;
    from = sorted;
  }
  if (from != entries)
    for (int64_t i = 0; i < count; i++) entries[i] = from[i];
}

// Sorts `count` values into `a` or `b`, and returns which. The lower half of the digits of a double hardly ever decides: keys are sorted by
// the upper half, then those that are alike in it.
template <int BITS, class T, class Entry>
Entry* radix_sort(const T* __restrict values, int64_t count, Entry* a, Entry* b, uint32_t* counts) {
  constexpr int kPasses = (8 * (int)sizeof(T) + BITS - 1) / BITS, kDigits = 1 << BITS;
  constexpr int kFirst = sizeof(T) == sizeof(double) ? kPasses / 2 : 0;
  for (int i = kFirst * kDigits; i < kPasses * kDigits; i++) counts[i] = 0;
  for (int64_t i = 0; i < count; i++) {
    const Bits<T> key = key_of(values[i]);
#pragma GCC unroll 8
    for (int pass = kFirst; pass < kPasses; pass++) counts[pass * kDigits + (int)(key >> (pass * BITS) & (kDigits - 1))]++;
  }
  const Bits<T> first = key_of(values[0]);
  bool moved = false;
  Entry *from = b, *to = a;
  for (int pass = kFirst; pass < kPasses; pass++) {
    uint32_t* begins = counts + pass * kDigits;
    const int shift = pass * BITS;
    const bool is_last = pass == kPasses - 1;
    if (begins[first >> shift & (kDigits - 1)] == (uint32_t)count && (moved || !is_last)) continue;  // one digit: all stay where they are
    begins_of(begins, kDigits);
    if (moved)
      for (int64_t i = 0; i < count; i++) {
        const Entry entry = from[i];
        to[begins[entry.key >> shift & (kDigits - 1)]++] = entry;
      }
    else
      for (int64_t i = 0; i < count; i++) {
        const Entry entry = Entry::of(values[i], (uint32_t)i);
        to[begins[entry.key >> shift & (kDigits - 1)]++] = entry;
      }
    moved = true;
    Entry* const sorted = to;
    to = from;
    from = sorted;
  }
  if (kFirst)
    for (int64_t begin = 0, end; begin < count; begin = end) {
      const Bits<T> high = from[begin].key >> (kFirst * BITS);
      for (end = begin + 1; end < count && from[end].key >> (kFirst * BITS) == high;) end++;
      if (end - begin > 1) sort_lowest<T>(from + begin, to + begin, end - begin, kFirst * BITS, counts);
    }
  return from;
}

// Writes the entries of a row that is in order, such as one of a reference that was sorted before; stops at the first value that is not.
template <class T, class Entry>
bool are_in_order(const T* values, int64_t count, Entry* entries) {
  Bits<T> last = 0;
  for (int64_t i = 0; i < count; i++) {
    entries[i] = Entry::of(values[i], (uint32_t)i);
    if (entries[i].key < last) return false;
    last = entries[i].key;
  }
  return true;
}

// Few values fill few of the digits, and many more than the cache holds are better spread over few places.
template <class T, class Entry>
Entry* sort_row(const T* values, int64_t count, Entry* a, Entry* b, uint32_t* counts) {
  if (are_in_order<T>(values, count, a)) return a;
  if (count < 2048 || count > (1 << 19)) return radix_sort<8>(values, count, a, b, counts);
  return radix_sort<kMostBits>(values, count, a, b, counts);
}

// Working memory: counts, three rows of entries, and a row of pixels that do not lie as wanted.
template <class T>
constexpr int64_t counts_bytes() {
  const int few = most_passes(8 * sizeof(T)) * 256, many = (8 * (int)sizeof(T) + kMostBits - 1) / kMostBits * (1 << kMostBits);
  return (few > many ? few : many) * (int64_t)sizeof(uint32_t);
}

template <class T>
int64_t sorted_room(const SortedMeans& job) {
  const int64_t count = job.shape[2] * job.shape[3];
  return counts_bytes<T>() + count * (3 * (int64_t)sizeof(KeyAt<T>) + (int64_t)sizeof(T));
}

// The pixels of a plane, one behind the other.
template <class T>
const T* plane_of(const Image& image, const SortedMeans& job, int64_t plane, T* room) {
  const int64_t h = job.shape[2], w = job.shape[3], channels = job.shape[1];
  if (lies_as_wanted<T>(image) && (h == 1 || image.stride[2] == w)) return (const T*)image.data + start_of(image, plane, channels, 0, 0);
  for (int64_t row = 0; row < h; row++) read_line(image, start_of(image, plane, channels, row, 0), w, T(0), room + row * w);
  return room;
}

// Writes numbers to the positions of a plane.
template <class T>
struct Scattered {
  T* data = nullptr;
  int64_t row_stride = 0, stride = 0, w = 0;
  bool dense = false;

  Scattered(const Image& image, const SortedMeans& job, int64_t plane) {
    if (!image.data) return;
    data = (T*)image.data + start_of(image, plane, job.shape[1], 0, 0);
    row_stride = image.stride[2];
    stride = image.stride[3];
    w = job.shape[3];
    dense = stride == 1 && (job.shape[2] == 1 || row_stride == w);
  }
  INLINE void set(uint32_t position, T value) const {
    if (dense)
      data[position] = value;
    else
      data[position / w * row_stride + position % w * stride] = value;
  }
};
INLINE uint32_t position_of(const KeyAt<float>& entry) { return entry.position; }
INLINE uint32_t position_of(const KeyAt<double>& entry) { return entry.position; }
template <class T>
INLINE uint32_t position_of(const KeyAlone<T>&) { return 0; }

template <class T, class EntryX, class EntryY>
double compare_sorted(const SortedMeans& job, int64_t plane, T* room, char* entries, uint32_t* counts) {
  const int64_t count = job.shape[2] * job.shape[3];
  const Scattered<T> to_x(job.grad_x, job, plane), to_y(job.grad_y, job, plane);
  // Three rows: y is sorted in the two that do not hold the sorted x.
  const int64_t row = count * (int64_t)sizeof(KeyAt<T>);
  char *first = entries, *second = entries + row, *const third = entries + 2 * row;
  const EntryX* x = sort_row<T>(plane_of(job.x, job, plane, room), count, (EntryX*)first, (EntryX*)second, counts);
  char* const spare = (char*)x == first ? second : first;
  const EntryY* y = sort_row<T>(plane_of(job.y, job, plane, room), count, (EntryY*)spare, (EntryY*)third, counts);
  const T weight = (T)(job.slope / (double)count);
  constexpr int64_t kBlock = 512;
  double total = 0, sum = 0;
  for (int64_t j = 0; j < count; j++) {
    if (j % kBlock == 0) {
      total += sum;
      sum = 0;
    }
    const T d = value_of<T>(x[j].key) - value_of<T>(y[j].key);
    T slope;
    if (job.power == 1) {
      sum += d < 0 ? -d : d;
      slope = d > 0 ? weight : d < 0 ? -weight : d;  // 0 of 0, and NaN of NaN
    } else {
      sum += d * d;
      slope = 2 * weight * d;
    }
    if (to_x.data) to_x.set(position_of(x[j]), slope);
    if (to_y.data) to_y.set(position_of(y[j]), -slope);
  }
  return (total + sum) / (double)count;
}

template <class T>
void sorted_means_of(const SortedMeans& job, int share, int shares, char* scratch) {
  const int64_t planes = job.shape[0] * job.shape[1], count = job.shape[2] * job.shape[3];
  uint32_t* const counts = (uint32_t*)scratch;
  char* const entries = scratch + counts_bytes<T>();
  T* const room = (T*)(entries + 3 * count * (int64_t)sizeof(KeyAt<T>));
  for (int64_t plane = planes * share / shares; plane < planes * (share + 1) / shares; plane++) {
    double mean;
    if (job.grad_x.data && job.grad_y.data)
      mean = compare_sorted<T, KeyAt<T>, KeyAt<T>>(job, plane, room, entries, counts);
    else if (job.grad_x.data)
      mean = compare_sorted<T, KeyAt<T>, KeyAlone<T>>(job, plane, room, entries, counts);
    else if (job.grad_y.data)
      mean = compare_sorted<T, KeyAlone<T>, KeyAt<T>>(job, plane, room, entries, counts);
    else
      mean = compare_sorted<T, KeyAlone<T>, KeyAlone<T>>(job, plane, room, entries, counts);
    job.means[plane] = mean;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
