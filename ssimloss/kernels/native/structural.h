// The equation of SSIM for stream.h.
//
// It is that of functional/_plane_means.py, written in s = x + y and d = x - y, which take the place of x and y as soon as these are read.
// Images that are equal somewhere are exactly similar there and their gradient is exactly 0. With V the mean under the window, x and y
// centred, var_s = V(s^2) - V(s)^2 and var_d likewise:
//
//     contrast_structure = 1 - var_d / ((var_s + var_d) / 2 + C2)
//     luminance          = 1 - mu_d^2 / ((mu_s^2 + mu_d^2) / 2 + C1)
//
// Whatever the rounding of either variance, no similarity leaves [-1, 1].

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

struct Structural {
  static constexpr int kMoments = 4;   // V of s, d, s^2, d^2
  static constexpr int kProducts = 2;  // of which these are made of the images
  static constexpr int kDerived = 4;
  static constexpr int kSums = 1;
  static constexpr bool kMapped = true;  // maps are written, and their gradients read
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = false;  // planes are laid side by side as their number allows
  static constexpr int derived(int gradients) { return 2 + gradients; }

  // The maps to be filtered: the images become sum and difference, of which the squares are made.
  template <class V>
  static INLINE void products(V* x, V* y, V* made, int row, int length, const V** maps) {
    V *squares = made, *of_difference = made + row;
    for (int i = 0; i < length; i++) {
      const V s = x[i] + y[i], d = x[i] - y[i];
      x[i] = s;
      y[i] = d;
      squares[i] = s * s;
      of_difference[i] = d * d;
    }
    maps[0] = x;
    maps[1] = y;
    maps[2] = squares;
    maps[3] = of_difference;
  }

  // Calls work(point) with the equation of this job.
  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T> scale, Vector<T> offset_x, Vector<T> offset_d, const Vector<T>*, Work work) {
    const Vector<T> c1 = broadcast((T)job.c1), c2 = broadcast((T)job.c2), offset_s = 2 * offset_x - offset_d;
    if (job.part == kSSIM)
      work(Point<T, kSSIM>{c1, c2, scale, offset_s, offset_d});
    else
      work(Point<T, kContrastStructure>{c1, c2, scale, offset_s, offset_d});
  }

  template <class T, int PART>
  struct Point {
    using V = Vector<T>;
    using M = Mask<T>;
    V c1, c2, scale, offset_s, offset_d;

    // The similarity, and twice the derivatives with respect to V(s^2) and V(d^2), then those with respect to V(x) and V(y).
    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V upstream, V* values, V* slopes) const {
      const V zero = V{}, half = zero + T(0.5), v_s = means[0], v_d = means[1];
      const V var_s = means[2] - v_s * v_s, var_d = means[3] - v_d * v_d;
      const M varies = ~(var_s <= zero), differs = ~(var_d <= zero);  // so that NaN stays NaN
      const V held = keep<T>(var_d, differs);
      const V over_var = 1 / ((keep<T>(var_s, varies) + held) * half + c2);  // 1 / (var_x + var_y + C2)
      const V contrast_loss = held * over_var;                               // 1 - cs
      const V cs = 1 - contrast_loss;
      V similarity = cs, luminance = zero + 1, luminance_loss = zero, mu_s = zero, mu_d = zero, over_mean = zero;
      if (PART == kSSIM) {
        mu_s = v_s + offset_s;
        mu_d = v_d + offset_d;
        over_mean = 1 / ((mu_s * mu_s + mu_d * mu_d) * half + c1);
        luminance_loss = mu_d * mu_d * over_mean;
        luminance = 1 - luminance_loss;
        similarity = luminance * cs;
      }
      values[0] = similarity;
      if (GRADIENTS == 0) return;

      V factor = scale;
      if (MAPPED) factor = factor * upstream;
      V slope = factor * over_var;
      if (PART == kSSIM) slope = slope * luminance;
      const V of_sum = keep<T>(slope * contrast_loss, varies);
      const V of_difference = keep<T>(slope * (contrast_loss - 2), differs);
      V of_s = -v_s * of_sum, of_d = -v_d * of_difference;
      if (PART == kSSIM) {
        const V of_mean = factor * over_mean * cs;
        of_s += of_mean * mu_s * luminance_loss;
        of_d += of_mean * mu_d * (luminance_loss - 2);
      }
      slopes[0] = of_sum;
      slopes[1] = of_difference;
      slopes[2] = of_s + of_d;
      if (GRADIENTS == 2) slopes[3] = of_s - of_d;
    }
  };

  // The gradient at a pixel: W(dV(x)) + s W(2 dV(s^2)) + d W(2 dV(d^2)).
  template <class V>
  static INLINE void pixel(V s, V d, const V* maps, bool both, V& of_x, V& of_y) {
    const V along = s * maps[0], across = d * maps[1];
    of_x = maps[2] + along + across;
    if (both) of_y = maps[3] + along - across;
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
