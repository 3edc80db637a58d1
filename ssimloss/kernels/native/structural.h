// The equation of SSIM for stream.h.
//
// It is that of functional/_plane_means.py, written in d = x - y, so that images that are equal somewhere are exactly similar there and
// their gradient exactly 0. With V the mean under the window, x and y centred, var = V(x^2 + y^2) - V(x)^2 - V(y)^2:
//
//     contrast_structure = 1 - (V(d^2) - V(d)^2) / (var + C2)
//     luminance          = 1 - (mu_x - mu_y)^2 / (mu_x^2 + mu_y^2 + C1)

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

struct Structural {
  static constexpr int kMoments = 4;   // V of x, y, x^2 + y^2, d^2
  static constexpr int kProducts = 2;  // of which these are made of the images
  static constexpr int kDerived = 4;
  static constexpr int kSums = 1;
  static constexpr bool kMapped = true;  // maps are written, and their gradients read
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = false;  // planes are laid side by side as their number allows
  static constexpr int derived(int gradients) { return 2 + gradients; }

  // The maps to be filtered, of which the products are made.
  template <class V>
  static INLINE void products(const V* x, const V* y, V* made, int row, int length, const V** maps) {
    V *squares = made, *difference = made + row;
    for (int i = 0; i < length; i++) {
      const V d = x[i] - y[i];
      squares[i] = x[i] * x[i] + y[i] * y[i];
      difference[i] = d * d;
    }
    maps[0] = x;
    maps[1] = y;
    maps[2] = squares;
    maps[3] = difference;
  }

  // Calls work(point) with the equation of this job.
  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T> scale, Vector<T> offset_x, Vector<T> offset_d, const Vector<T>*, Work work) {
    const Vector<T> c1 = broadcast((T)job.c1), c2 = broadcast((T)job.c2);
    if (job.part == kSSIM)
      work(Point<T, kSSIM>{c1, c2, 2 * scale, offset_x, offset_d});
    else
      work(Point<T, kContrastStructure>{c1, c2, 2 * scale, offset_x, offset_d});
  }

  template <class T, int PART>
  struct Point {
    using V = Vector<T>;
    using M = Mask<T>;
    V c1, c2, twice_scale, offset_x, offset_d;

    // The similarity, and twice the derivatives with respect to -V(d^2) and V(x^2 + y^2), then those with respect to V(x) and V(y).
    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V upstream, V* values, V* slopes) const {
      const V zero = V{}, v_x = means[0], v_y = means[1], v_d = v_x - v_y;
      const V var = means[2] - v_x * v_x - v_y * v_y, var_d = means[3] - v_d * v_d;
      const M varies = ~(var <= zero), differs = ~(var_d <= zero);  // so that NaN stays NaN
      const V over_var = 1 / (keep<T>(var, varies) + c2);           // 1 / (var_x + var_y + C2)
      const V contrast_loss = keep<T>(var_d, differs) * over_var;   // 1 - cs
      const V cs = 1 - contrast_loss;
      V similarity = cs, luminance = zero + 1, luminance_loss = zero, mu_x = zero, mu_d = zero, over_mean = zero;
      if (PART == kSSIM) {
        mu_x = v_x + offset_x;
        mu_d = v_d + offset_d;
        const V mu_y = mu_x - mu_d;
        over_mean = 1 / (mu_x * mu_x + (mu_y * mu_y + c1));
        luminance_loss = mu_d * mu_d * over_mean;
        luminance = 1 - luminance_loss;
        similarity = luminance * cs;
      }
      values[0] = similarity;
      if (GRADIENTS == 0) return;

      V scale = twice_scale;
      if (MAPPED) scale = scale * upstream;
      V slope = scale * over_var;
      if (PART == kSSIM) slope = slope * luminance;
      const V of_difference = keep<T>(slope, differs), of_squares = keep<T>(slope * contrast_loss, varies);
      V of_x = v_d * of_difference - v_x * of_squares, of_y = -(v_d * of_difference + v_y * of_squares);
      if (PART == kSSIM) {
        const V of_mean = scale * over_mean * cs;
        of_x += of_mean * (mu_x * luminance_loss - mu_d);
        of_y += of_mean * ((mu_x - mu_d) * luminance_loss + mu_d);
      }
      slopes[0] = of_difference;
      slopes[1] = of_squares;
      slopes[2] = of_x;
      if (GRADIENTS == 2) slopes[3] = of_y;
    }
  };

  // The gradient at a pixel: W(dV(x)) + x W(2 dV(x^2 + y^2)) + d W(2 dV(d^2)).
  template <class V>
  static INLINE void pixel(V x, V y, const V* maps, bool both, V& of_x, V& of_y) {
    const V along = (x - y) * maps[0];
    of_x = maps[2] + x * maps[1] - along;
    if (both) of_y = maps[3] + y * maps[1] + along;
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
