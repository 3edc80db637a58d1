// Roots of numbers; exponentials, logarithms, sines and angles of vectors. Their errors are roundings.

#pragma once

#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// --- roots -----------------------------------------------------------------------------------------------------------------------------
//
// From a guess by the bits of the number, which are its logarithm, by Householder's iteration for v^(-1/n), which divides nothing.

template <class T>
INLINE T guess(T v, int n) {
  if constexpr (sizeof(T) == sizeof(float)) {
    int32_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    bits = (n == 3 ? 0x54a2fa8c : 0x4c2cc4ba) - (int32_t)((float)bits * (n == 3 ? 1.0f / 3 : 0.2f));
    __builtin_memcpy(&v, &bits, sizeof v);
  } else {
    int64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    const int64_t whole = bits;
    int64_t part = 0;
    if (n == 3)
      for (int k = 2; k <= 20; k += 2) part += whole >> k;  // 1/4 + 1/16 + ... = 1/3
    else
      for (int k = 3; k <= 23; k += 4) part += (whole >> k) + (whole >> (k + 1));  // 1/8 + 1/16 + 1/128 + ... = 1/5
    bits = (n == 3 ? 0x553f08a986833c60 : 0x4cb8bc5db5604189) - part;
    __builtin_memcpy(&v, &bits, sizeof v);
  }
  return v;
}

// v^(1/3) of a normal number.
template <class T>
INLINE T cube_root_of(T v) {
  T r = guess(v, 3);
  for (int k = 0; k < (sizeof(T) == sizeof(float) ? 2 : 3); k++) {
    const T h = 1 - v * r * r * r;
    r += r * h * (T(1.0 / 3) + h * (T(2.0 / 9) + T(14.0 / 81) * h));
  }
  const T square = r * r, root = v * square;
  return root - (root * root * root - v) * square * T(1.0 / 3);
}

// v^(2/5) of a normal number.
template <class T>
INLINE T two_fifths_of(T v) {
  T r = guess(v, 5);
  for (int k = 0; k < (sizeof(T) == sizeof(float) ? 2 : 3); k++) {
    const T square = r * r, h = 1 - v * square * square * r;
    r += r * h * (T(1.0 / 5) + h * (T(3.0 / 25) + T(11.0 / 125) * h));
  }
  const T square = r * r, fourth = square * square;
  T root = v * fourth;
  const T its_square = root * root;
  root -= (its_square * its_square * root - v) * fourth * T(0.2);
  return root * root;
}

// --- vectors ---------------------------------------------------------------------------------------------------------------------------

// exp(z) = power * (1 + series), for z from about -87 to 87.
template <class T>
INLINE void exponential(Vector<T> z, Vector<T>& power, Vector<T>& series) {
  constexpr bool kFloat = sizeof(T) == sizeof(float);
  constexpr int kFraction = kFloat ? 23 : 52, kDegree = kFloat ? 7 : 14;
  constexpr T kShift = kFloat ? T(12582912) : T(6755399441055744);  // 1.5 * 2^fraction: its last bits are those of an integer
  constexpr T kHigh = kFloat ? T(0.693145751953125) : T(0.693147180369123816490), kLow = kFloat ? T(1.428606765330187e-06) : T(1.90821492927058770002e-10);
  const Vector<T> shifted = z * T(1.4426950408889634) + kShift, n = shifted - kShift, r = (z - n * kHigh) - n * kLow;
  constexpr double factorials[15] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800, 87178291200};
  series = broadcast<T>((T)(1 / factorials[kDegree]));
#pragma GCC unroll 16
  for (int k = kDegree - 1; k >= 1; k--) series = series * r + (T)(1 / factorials[k]);
  series *= r;
  using Integer = typename Lanes<T>::Integer;
  const Mask<T> exponent = (Mask<T>)shifted + (Integer)((kFloat ? 127 : 1023));
  power = (Vector<T>)(exponent << kFraction);
}

template <class T>
INLINE Vector<T> exponential(Vector<T> z) {
  Vector<T> power, series;
  exponential<T>(z, power, series);
  return power + power * series;
}

// exp(-z) and 1 - exp(-z) for z from 0 to about 80.
template <class T>
INLINE void decay(Vector<T> z, Vector<T>& left, Vector<T>& gone) {
  Vector<T> power, series;
  exponential<T>(-z, power, series);
  left = power + power * series;
  gone = (1 - power) - power * series;
}

// The binary logarithm of normal positive numbers, to rounding; NaN stays NaN.
template <class T>
INLINE Vector<T> log2_of(Vector<T> value) {
  using M = Mask<T>;
  using I = typename Lanes<T>::Integer;
  constexpr bool kFloat = sizeof(T) == 4;
  constexpr int kMantissa = kFloat ? 23 : 52;
  constexpr I kRootHalf = kFloat ? I(0x3f3504f3) : I(0x3fe6a09e667f3bcd);  // where mantissas begin
  const M bits = (M)value;
  const M exponent = (bits - kRootHalf) >> kMantissa;
  const Vector<T> mantissa = (Vector<T>)(bits - (exponent << kMantissa));  // in [sqrt(1/2), sqrt(2))
  const Vector<T> z = (mantissa - 1) / (mantissa + 1), z2 = z * z;
  // log2(m) = 2 / ln 2 (z + z^3 / 3 + z^5 / 5 ...)
  constexpr int kTerms = kFloat ? 5 : 11;
  Vector<T> sum = broadcast(T(1) / T(2 * kTerms - 1));
  for (int k = kTerms - 2; k >= 0; k--) sum = sum * z2 + T(1) / T(2 * k + 1);
  Vector<T> whole;
  for (int lane = 0; lane < Lanes<T>::count; lane++) whole[lane] = T(exponent[lane]);
  const Vector<T> found = whole + T(2.885390081777926815) * z * sum;
  return choose<T>(value == value, found, value);
}

template <class T>
INLINE Vector<T> size_of_each(Vector<T> v) { return choose<T>(v < 0, -v, v); }

// The sine and the cosine of angles from 0 to pi / 3.
template <class T>
INLINE void sine_cosine(Vector<T> angle, Vector<T>& sine, Vector<T>& cosine) {
  constexpr int kTerms = sizeof(T) == sizeof(float) ? 6 : 10;
  const Vector<T> square = angle * angle;
  Vector<T> odd = broadcast<T>(1), even = broadcast<T>(1);
#pragma GCC unroll 16
  for (int k = kTerms; k >= 1; k--) {  // Taylor's series
    odd = 1 - odd * (square * T(1.0 / (2 * k * (2 * k + 1))));
    even = 1 - even * (square * T(1.0 / ((2 * k - 1) * (2 * k))));
  }
  sine = angle * odd;
  cosine = even;
}

// Chebyshev's interpolation of arctan(x) / x in x^2, x from 0 to tan(pi / 8).
constexpr double kShortArctangent[6] = {0.99999999937122815559, -0.33333306893048512837, 0.19998183041083205602,
                                        -0.14239532669648974578, 0.10569828806414448072, -0.060263052276584590988};
constexpr double kLongArctangent[12] = {0.99999999999999999874, -0.33333333333333121163, 0.19999999999940891462, -0.14285714279250244942,
                                        0.11111110744919658237, -0.090908968090640270761, 0.076920453309022249521, -0.066629518136291900881,
                                        0.058468782973308725201, -0.050351024566015518428, 0.037965257453865936236, -0.017805397205419445228};

// The angle of a unit vector, from 0 to 2 pi.
template <class T>
INLINE Vector<T> angle_of(Vector<T> cosine, Vector<T> sine) {
  constexpr bool kFloat = sizeof(T) == sizeof(float);
  constexpr int kCount = kFloat ? 6 : 12;
  constexpr const double* kSeries = kFloat ? kShortArctangent : kLongArctangent;
  constexpr T kPi = T(3.141592653589793);
  const Vector<T> across = size_of_each<T>(cosine), up = size_of_each<T>(sine);
  const Mask<T> steep = up > across;
  const Vector<T> low = choose<T>(steep, across, up), high = choose<T>(steep, up, across);
  const Mask<T> beyond = low > T(0.41421356237309503) * high;  // arctan(l / h) = pi / 4 + arctan((l - h) / (l + h))
  const Vector<T> ratio = choose<T>(beyond, low - high, low) / choose<T>(beyond, low + high, high), square = ratio * ratio;
  Vector<T> series = broadcast<T>((T)kSeries[kCount - 1]);
#pragma GCC unroll 16
  for (int k = kCount - 2; k >= 0; k--) series = series * square + (T)kSeries[k];
  Vector<T> angle = ratio * series + keep<T>(broadcast<T>(kPi / 4), beyond);
  angle = choose<T>(steep, kPi / 2 - angle, angle);
  angle = choose<T>(cosine < 0, kPi - angle, angle);
  return choose<T>(sine < 0, 2 * kPi - angle, angle);
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
