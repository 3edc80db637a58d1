// The equation of r* for stream.h, which is that of functional/structure_correlation.py.
//
// It is written in d = x - y, so that images that are equal somewhere correlate exactly there and their gradient is exactly 0. With V the mean
// under the window and s the standard deviations:
//
//     r = 1 - (var_d - (s_x - s_y)^2) / (2 s_x s_y),  s_x - s_y = (var_x - var_y) / (s_x + s_y)
//
// A window is flat where var <= c1: r is 1 where both are. Where one is, r is 0, with the slope of cov / (s_x s_y) for variances held above
// c2 and cov = (var_x + var_y - var_d) / 2.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

struct Correlation {
  static constexpr int kMoments = 5;   // V of x, y, x^2, y^2, d^2
  static constexpr int kProducts = 3;  // of which these are made of the images
  static constexpr int kDerived = 5;
  static constexpr int kSums = 1;
  static constexpr bool kMapped = false;
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = true;
  static constexpr int derived(int gradients) { return gradients == 2 ? 5 : 3; }

  template <class V>
  static INLINE void products(const V* x, const V* y, V* made, int row, int length, const V** maps) {
    for (int i = 0; i < length; i++) {
      const V d = x[i] - y[i];
      made[i] = x[i] * x[i];
      made[row + i] = y[i] * y[i];
      made[2 * row + i] = d * d;
    }
    maps[0] = x;
    maps[1] = y;
    for (int k = 0; k < 3; k++) maps[2 + k] = made + k * row;
  }

  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T> scale, Vector<T>, Vector<T>, const Vector<T>*, Work work) {
    work(Point<T>{broadcast((T)job.c1), broadcast((T)job.c2), scale});
  }

  template <class T>
  struct Point {
    using V = Vector<T>;
    using M = Mask<T>;
    V least, low_contrast, scale;

    // The correlation, and the derivatives with respect to twice V(d^2), twice V(x^2), V(x), twice V(y^2), V(y).
    template <int GRADIENTS, bool>
    INLINE void at(const V* means, V, V* values, V* slopes) const {
      const V v_x = means[0], v_y = means[1], v_d = v_x - v_y, zero = V{}, one = zero + 1;
      const V var_x = means[2] - v_x * v_x, var_y = means[3] - v_y * v_y, var_d = means[4] - v_d * v_d;
      const M flat_x = var_x <= least, flat_y = var_y <= least;  // NaN is not
      const M flat = flat_x & flat_y, one_is_flat = flat_x ^ flat_y;
      const V floor = choose<T>(one_is_flat, low_contrast, least);
      const M held_x = var_x < floor, held_y = var_y < floor;
      const V s_x = root_of<T>(choose<T>(held_x, floor, var_x)), s_y = root_of<T>(choose<T>(held_y, floor, var_y));
      const V over_x = 1 / s_x, over_y = 1 / s_y, half_over = over_x * over_y / 2;
      const V s_d = (var_x - var_y) / (s_x + s_y), loss = (var_d - s_d * s_d) * half_over;  // 1 - r
      const M above = loss < zero, below = loss > one + one;
      const V r = 1 - choose<T>(above, zero, choose<T>(below, one + one, loss));
      values[0] = choose<T>(flat, one, keep<T>(r, ~one_is_flat));
      if (GRADIENTS == 0) return;

      const V held_r = (var_x + var_y - var_d) * half_over;
      const M outside = choose_mask(one_is_flat, (held_r > one) | (held_r < -one), above | below) | flat;
      const V of_r = keep<T>(scale, ~outside), of_d = -2 * of_r * half_over;
      const V to_x = choose<T>(one_is_flat, 2 * half_over - keep<T>(held_r * over_x * over_x, ~held_x), 2 * s_d * half_over * over_x + loss * over_x * over_x);
      const V to_y = choose<T>(one_is_flat, 2 * half_over - keep<T>(held_r * over_y * over_y, ~held_y), -2 * s_d * half_over * over_y + loss * over_y * over_y);
      slopes[0] = of_d;
      slopes[1] = of_r * to_x;
      slopes[2] = -v_x * slopes[1] - v_d * of_d;
      if (GRADIENTS == 2) {
        slopes[3] = of_r * to_y;
        slopes[4] = v_d * of_d - v_y * slopes[3];
      }
    }

    static INLINE M choose_mask(M mask, M yes, M no) { return (mask & yes) | (~mask & no); }
  };

  template <class V>
  static INLINE void pixel(V x, V y, const V* maps, bool both, V& of_x, V& of_y) {
    const V along = (x - y) * maps[0];
    of_x = maps[2] + x * maps[1] + along;
    if (both) of_y = maps[4] + y * maps[3] - along;
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
