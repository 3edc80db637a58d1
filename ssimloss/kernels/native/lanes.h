// Vectors of whichever width this file is compiled for, and the layout "lanes".
//
// A row of n pixels is cut into as many segments of L pixels as a vector has lanes; vector i holds pixel i of every segment:
//
//     lane            0      1      2
//     vector 0        p0     pL     p2L    ...       The right neighbour of vector i is vector i + 1: filtering along a row
//     vector 1        p1     pL+1   p2L+1  ...       needs aligned loads and no shuffle.
//
// Written with the vector extension of GCC and Clang, so that one source serves SSE2, AVX2, AVX-512 and NEON.

#pragma once

#include <stdint.h>

#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))

#if defined(__AVX512F__)
#define SSIMLOSS_SET avx512
constexpr int kBytes = 64;
#elif defined(__AVX2__)
#define SSIMLOSS_SET avx2
constexpr int kBytes = 32;
#else
#define SSIMLOSS_SET baseline
constexpr int kBytes = 16;
#endif

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class T>
struct Lanes {
  static constexpr int count = kBytes / sizeof(T);
  using Integer = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;
  typedef T Vector __attribute__((vector_size(kBytes)));
  typedef Integer Mask __attribute__((vector_size(kBytes)));
};
template <class T>
using Vector = typename Lanes<T>::Vector;
template <class T>
using Mask = typename Lanes<T>::Mask;

template <class T>
INLINE Vector<T> broadcast(T value) {
  return value - Vector<T>{};  // not a sum: that loses the sign of -0
}

template <class T>
INLINE Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
INLINE void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

// To double: out[0], and of float out[1] too.
INLINE void widen_vector(Vector<double> v, Vector<double>* out) { out[0] = v; }
INLINE void widen_vector(Vector<float> v, Vector<double>* out) {
  constexpr int n = Lanes<float>::count;
  float from[n];
  double to[n];
  store(from, v);
  for (int i = 0; i < n; i++) to[i] = from[i];
  __builtin_memcpy(out, to, sizeof to);
}

// To a place that will not be read soon, a multiple of kBytes from 0: the processor does not read it first, and keeps other things instead.
template <class T>
INLINE void store_past_caches(T* to, Vector<T> v) {
#if defined(__AVX512F__)
  _mm512_stream_si512((__m512i*)to, (__m512i)v);
#elif defined(__AVX2__)
  _mm256_stream_si256((__m256i*)to, (__m256i)v);
#elif defined(__SSE2__)
  _mm_stream_si128((__m128i*)to, (__m128i)v);
#else
  store(to, v);
#endif
}

// After them, before another thread may read.
INLINE void finish_stores_past_caches() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// The vector where the mask is set, else 0, whatever the vector holds there.
template <class T>
INLINE Vector<T> keep(Vector<T> v, Mask<T> mask) {
  return (Vector<T>)((Mask<T>)v & mask);
}

// One vector where the mask is set, and the other elsewhere.
template <class T>
INLINE Vector<T> choose(Mask<T> mask, Vector<T> yes, Vector<T> no) {
  return (Vector<T>)(((Mask<T>)yes & mask) | ((Mask<T>)no & ~mask));
}

// Set in the first `count` lanes, in all of them if there are fewer.
template <class T>
INLINE Mask<T> first_lanes(int64_t count) {
  Mask<T> lanes;
  for (int lane = 0; lane < Lanes<T>::count; lane++) lanes[lane] = lane < count ? -1 : 0;
  return lanes;
}

template <class T>
INLINE T square_root(T value);
template <>
INLINE float square_root(float value) { return __builtin_sqrtf(value); }
template <>
INLINE double square_root(double value) { return __builtin_sqrt(value); }

template <class T>
INLINE T magnitude(T value) { return value < 0 ? -value : value; }

template <class T>
INLINE Vector<T> root_of(Vector<T> v) {
  T lanes[Lanes<T>::count];
  store(lanes, v);
  for (int i = 0; i < Lanes<T>::count; i++) lanes[i] = square_root(lanes[i]);
  return load(lanes);
}

template <class T, int... I>
struct Indices {};
template <class T, int N, int... I>
struct CountTo : CountTo<T, N - 1, N - 1, I...> {};
template <class T, int... I>
struct CountTo<T, 0, I...> {
  using type = Indices<T, I...>;
};
template <class T>
using LaneIndices = typename CountTo<T, Lanes<T>::count>::type;

// Lane j of the result is lane F::from(j, count) of a and b laid side by side.
template <class F, class T, int... I>
INLINE Vector<T> shuffle(Vector<T> a, Vector<T> b, Indices<T, I...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, F::from(I, Lanes<T>::count)...);
#else
  return __builtin_shuffle(a, b, Mask<T>{F::from(I, Lanes<T>::count)...});
#endif
}
template <class F, class T>
INLINE Vector<T> shuffle(Vector<T> a, Vector<T> b) {
  return shuffle<F, T>(a, b, LaneIndices<T>{});
}

struct FromNext {  // of (v, 0)
  static constexpr int from(int j, int) { return j + 1; }
};
struct FromPrevious {  // of (0, v)
  static constexpr int from(int j, int count) { return count - 1 + j; }
};
template <class T>
INLINE Vector<T> from_next_lane(Vector<T> v) {
  return shuffle<FromNext, T>(v, Vector<T>{});
}
template <class T>
INLINE Vector<T> from_previous_lane(Vector<T> v) {
  return shuffle<FromPrevious, T>(Vector<T>{}, v);
}

// Transposes a square of vectors: the halves of side D that lie off the diagonal are exchanged, for D = 1, 2, 4 ...
template <int D>
struct Upper {
  static constexpr int from(int j, int count) { return (j & D) ? count + j - D : j; }
};
template <int D>
struct Lower {
  static constexpr int from(int j, int count) { return (j & D) ? count + j : j + D; }
};
template <class T, int D>
INLINE void exchange(Vector<T>* v) {
  if constexpr (D < Lanes<T>::count) {
#pragma GCC unroll 16
    for (int i = 0; i < Lanes<T>::count; i++) {
      if (i & D) continue;
      const Vector<T> a = v[i], b = v[i + D];
      v[i] = shuffle<Upper<D>, T>(a, b);
      v[i + D] = shuffle<Lower<D>, T>(a, b);
    }
    exchange<T, 2 * D>(v);
  }
}
template <class T>
INLINE void transpose(Vector<T>* v) {
  exchange<T, 1>(v);
}

// Segments of `length` pixels to lanes, less a number per lane. Writes up to a vector's count more vectors than `length`, and reads as many
// pixels beyond each segment.
template <class T>
INLINE void to_lanes(Vector<T>* lanes, const T* const* segments, int length, Vector<T> less) {
  constexpr int n = Lanes<T>::count;
  for (int i = 0; i < length; i += n) {
    Vector<T> v[n];
#pragma GCC unroll 16
    for (int j = 0; j < n; j++) v[j] = load(segments[j] + i);
    transpose<T>(v);
#pragma GCC unroll 16
    for (int j = 0; j < n; j++) lanes[i + j] = v[j] - less;
  }
}

// And back. Reads and writes beyond the end as to_lanes does.
template <class T>
INLINE void from_lanes(T* const* segments, const Vector<T>* lanes, int length) {
  constexpr int n = Lanes<T>::count;
  for (int i = 0;;) {
    Vector<T> v[n];
#pragma GCC unroll 16
    for (int j = 0; j < n; j++) v[j] = lanes[i + j];
    transpose<T>(v);
#pragma GCC unroll 16
    for (int j = 0; j < n; j++) store(segments[j] + i, v[j]);  // ascending: what a short segment writes too much is overwritten
    if (i + n >= length) break;
    i = i + 2 * n <= length ? i + n : length - n;  // the last square ends with the segment
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
