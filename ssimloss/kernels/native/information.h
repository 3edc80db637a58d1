// The equation of VIF for stream.h, of a distorted image x and its reference y, which is that of video/vif.py.
//
// It is written in the difference d = y - x, so that equal images lose nothing to rounding. With V the mean under the window:
//
//     s1 = V(y^2) - V(y)^2,  v = V(d^2) - V(d)^2,  c = V(y d) - V(y) V(d)
//     g  = 1 - c / s1,  at most `limit`, and what no gain explains: r = v - c^2 / s1
//     kept = log2(1 + g^2 s1 / (r + 2)),  held = log2(1 + s1 / 2)
//
// Where s1 < 2 the reference is flat, and kept = 1 - s2 * 4 / 255^2 with s2 = s1 - 2 c + v, held = 1.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

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

struct Information {
  static constexpr int kMoments = 5;   // V of y, d, y^2, d^2, y d
  static constexpr int kProducts = 4;  // of which these are made of the images
  static constexpr int kDerived = 5;
  static constexpr int kSums = 2;
  static constexpr bool kMapped = false;
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = true;  // the ratio of sums is the same bits in any batch
  static constexpr int derived(int gradients) { return gradients == 2 ? 5 : 3; }

  template <class V>
  static INLINE void products(const V* x, const V* y, V* made, int row, int length, const V** maps) {
    for (int i = 0; i < length; i++) {
      const V of_y = y[i], d = of_y - x[i];
      made[i] = d;
      made[row + i] = of_y * of_y;
      made[2 * row + i] = d * d;
      made[3 * row + i] = of_y * d;
    }
    maps[0] = y;
    for (int k = 0; k < 4; k++) maps[1 + k] = made + k * row;
  }

  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T>, Vector<T>, Vector<T>, const Vector<T>* factors, Work work) {
    work(Point<T>{broadcast((T)job.limit), factors[0], factors[1]});
  }

  template <class T>
  struct Point {
    using V = Vector<T>;
    using M = Mask<T>;
    V limit, of_kept, of_held;  // factors of the two sums

    // What is kept and held; the derivatives of the weighed sum with respect to V(d), twice V(d^2), V(y d), V(y), twice V(y^2).
    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V, V* values, V* slopes) const {
      constexpr T kNoise = T(2), kEps = T(1e-10), kFlatSlope = T(4.0 / 65025.0), kPerBit = T(1.4426950408889634);
      const V zero = V{}, v_y = means[0], v_d = means[1];
      const V raw_y = means[2] - v_y * v_y, raw_d = means[3] - v_d * v_d, cov = means[4] - v_y * v_d;
      const M varies = ~(raw_y <= zero), differs = ~(raw_d <= zero);  // so that NaN stays NaN
      const V var_y = keep<T>(raw_y, varies), var_d = keep<T>(raw_d, differs);
      const M flat = var_y < kNoise;
      const V s1 = choose<T>(flat, zero + kNoise, var_y), over = 1 / s1, raw_s2 = var_y - 2 * cov + var_d;
      const M loud = ~(raw_s2 <= zero);
      const V s2 = keep<T>(raw_s2, loud), raw_gain = 1 - cov * over, raw_rest = var_d - cov * cov * over;
      const M silent = s2 < kEps, none = silent | (raw_gain < zero), strong = raw_gain > limit;
      const M rests = ~(raw_rest < kEps) & ~none;
      const V gain = keep<T>(choose<T>(strong, limit, raw_gain), ~none);
      // Where nothing is kept, what rests has no effect.
      const V noise = choose<T>(rests, raw_rest, zero + kEps) + kNoise, over_noise = 1 / noise;
      const V signal = gain * gain * s1 * over_noise;
      values[0] = choose<T>(flat, 1 - s2 * kFlatSlope, log2_of<T>(1 + signal));
      values[1] = choose<T>(flat, zero + 1, log2_of<T>(1 + s1 * (1 / kNoise)));
      if (GRADIENTS == 0) return;

      const V slope = of_kept * kPerBit / (1 + signal);  // with respect to the signal
      const V of_gain = keep<T>(slope * 2 * gain * s1 * over_noise, ~(none | strong));
      const V of_rest = keep<T>(-slope * signal * over_noise, rests);
      const V share = cov * over;
      const V to_s1 = slope * gain * gain * over_noise + of_gain * share * over + of_rest * share * share + of_held * kPerBit / (s1 + kNoise);
      const V flat_slope = keep<T>(of_kept * -kFlatSlope, loud);
      const V of_y2 = keep<T>(choose<T>(flat, flat_slope, to_s1), varies);
      const V of_d2 = keep<T>(choose<T>(flat, flat_slope, of_rest), differs);
      const V of_yd = choose<T>(flat, -2 * flat_slope, -of_gain * over - 2 * of_rest * share);
      slopes[0] = -2 * v_d * of_d2 - v_y * of_yd;
      slopes[1] = 2 * of_d2;
      slopes[2] = of_yd;
      if (GRADIENTS == 2) {
        slopes[3] = -2 * v_y * of_y2 - v_d * of_yd;
        slopes[4] = 2 * of_y2;
      }
    }
  };

  template <class V>
  static INLINE void pixel(V x, V y, const V* maps, bool both, V& of_x, V& of_y) {
    const V d = y - x, along = maps[0] + d * maps[1] + y * maps[2];  // with respect to d
    of_x = -along;
    if (both) of_y = along + maps[3] + y * maps[4] + d * maps[2];
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
