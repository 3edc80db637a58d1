// The equations of VIF for stream.h, of a distorted image x and its reference y: VMAF's, see video/vif.py, and that in the pixel domain, see
// functional/vif.py.
//
// They are written in the difference d = y - x, so that equal images lose nothing to rounding. With V the mean under the window:
//
//     s1 = V(y^2) - V(y)^2,  v = V(d^2) - V(d)^2,  c = V(y d) - V(y) V(d),  s2 = s1 - 2 c + v, the variance of x
//     g  = 1 - (c + e) / (s1 + e), and what no gain explains: r = v + e - (c + e)^2 / (s1 + e)
//     kept = log(1 + g^2 s1 / (r + N)),  held = log(1 + s1 / N)
//
// VMAF has e = 0, N = 2, binary logarithms and a largest gain. Where s1 < 2 its reference is flat, kept = 1 - s2 * 4 / 255^2 and held = 1.
// In the pixel domain logarithms are natural; nothing is kept where s1 or s2 is below the variance of a flat window, nor held where s1 is.

#pragma once

#include "engine.h"
#include "functions.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// log(1 + value) of numbers from 0 on, to rounding; over = 1 / (1 + value).
template <class T>
INLINE Vector<T> log1p_of(Vector<T> value, Vector<T> over) {
  const Vector<T> sum = 1 + value;
  return T(0.69314718055994530942) * log2_of<T>(sum) + (value - (sum - 1)) * over;
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
    const double* constants = job.constants;
    if (constants)
      work(InPixels<T>{factors[0], factors[1], broadcast((T)constants[0]), broadcast((T)constants[1]), broadcast((T)constants[2])});
    else
      work(OfVmaf<T>{factors[0], factors[1], broadcast((T)job.limit)});
  }

  // The signal g^2 s1 / (r + N), and its derivatives where `slope` is the one with respect to the signal.
  template <class T>
  struct Signal {
    using V = Vector<T>;
    using M = Mask<T>;
    V s1, over, share, gain, over_noise, value;
    M cut, rests;  // where the gain has no slope, and where what rests has one
    V to_s1, to_v, to_cov;

    // over = 1 / (s1 + e), cov = c + e. Where `none` is set nothing is kept, and what rests has no effect.
    INLINE Signal(V s1, V over, V cov, V raw_gain, V raw_rest, V limit, V noise, V least, M none) : s1(s1), over(over), share(cov * over) {
      const M strong = raw_gain > limit;
      cut = none | strong;
      rests = ~(raw_rest < least) & ~none;
      gain = keep<T>(choose<T>(strong, limit, raw_gain), ~none);
      over_noise = 1 / (choose<T>(rests, raw_rest, least) + noise);
      value = gain * gain * s1 * over_noise;
    }

    INLINE void differentiate(V slope) {
      const V of_gain = keep<T>(slope * 2 * gain * s1 * over_noise, ~cut);
      to_v = keep<T>(-slope * value * over_noise, rests);
      to_s1 = slope * gain * gain * over_noise + of_gain * share * over + to_v * share * share;
      to_cov = -of_gain * over - 2 * to_v * share;
    }
  };

  // The derivatives with respect to V(d), twice V(d^2), V(y d), V(y), twice V(y^2), from those with respect to s1, v and c.
  template <int GRADIENTS, class V>
  static INLINE void slopes_of(const V* means, V of_y2, V of_d2, V of_yd, V* slopes) {
    const V v_y = means[0], v_d = means[1];
    slopes[0] = -2 * v_d * of_d2 - v_y * of_yd;
    slopes[1] = 2 * of_d2;
    slopes[2] = of_yd;
    if (GRADIENTS == 2) {
      slopes[3] = -2 * v_y * of_y2 - v_d * of_yd;
      slopes[4] = 2 * of_y2;
    }
  }

  // Both points: what is kept and held, and the derivatives of the weighed sum of them.
  template <class T>
  struct OfVmaf {
    using V = Vector<T>;
    using M = Mask<T>;
    V of_kept, of_held, limit;  // factors of the two sums; the largest gain

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
      const V s2 = keep<T>(raw_s2, loud), raw_gain = 1 - cov * over;
      const M none = (s2 < kEps) | (raw_gain < zero);
      Signal<T> signal(s1, over, cov, raw_gain, var_d - cov * cov * over, limit, zero + kNoise, zero + kEps, none);
      values[0] = choose<T>(flat, 1 - s2 * kFlatSlope, log2_of<T>(1 + signal.value));
      values[1] = choose<T>(flat, zero + 1, log2_of<T>(1 + s1 * (1 / kNoise)));
      if (GRADIENTS == 0) return;

      signal.differentiate(of_kept * kPerBit / (1 + signal.value));
      const V to_s1 = signal.to_s1 + of_held * kPerBit / (s1 + kNoise), flat_slope = keep<T>(of_kept * -kFlatSlope, loud);
      const V of_y2 = keep<T>(choose<T>(flat, flat_slope, to_s1), varies);
      const V of_d2 = keep<T>(choose<T>(flat, flat_slope, signal.to_v), differs);
      slopes_of<GRADIENTS>(means, of_y2, of_d2, choose<T>(flat, -2 * flat_slope, signal.to_cov), slopes);
    }
  };

  template <class T>
  struct InPixels {
    using V = Vector<T>;
    using M = Mask<T>;
    V of_kept, of_held, noise, flat, epsilon;

    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V, V* values, V* slopes) const {
      const V zero = V{}, v_y = means[0], v_d = means[1];
      const V raw_y = means[2] - v_y * v_y, raw_d = means[3] - v_d * v_d, cov = means[4] - v_y * v_d;
      const M varies = raw_y >= flat, differs = ~(raw_d <= zero);
      const V s1 = choose<T>(varies, raw_y, zero + 1), var_d = keep<T>(raw_d, differs), s2 = raw_y - 2 * cov + var_d;
      const V over = 1 / (s1 + epsilon), raised = cov + epsilon, raw_gain = 1 - raised * over;
      const M none = ~varies | (s2 < flat) | (raw_gain < zero);
      const V infinity = zero + T(__builtin_inf());
      Signal<T> signal(s1, over, raised, raw_gain, var_d + epsilon - raised * raised * over, infinity, noise, epsilon, none);
      const V whole = s1 * (1 / noise), over_signal = 1 / (1 + signal.value), over_whole = 1 / (1 + whole);
      values[0] = choose<T>(cov == cov, log1p_of<T>(signal.value, over_signal), cov);  // NaN stays NaN
      values[1] = keep<T>(log1p_of<T>(whole, over_whole), varies);
      if (GRADIENTS == 0) return;

      signal.differentiate(of_kept * over_signal);
      const V to_s1 = signal.to_s1 + of_held * over_whole * (1 / noise);
      slopes_of<GRADIENTS>(means, keep<T>(to_s1, varies), keep<T>(signal.to_v, differs), signal.to_cov, slopes);
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
