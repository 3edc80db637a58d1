// Equations of few moments for stream.h: the luminance of SSIM alone, and the mean distance under the window.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// luminance = 1 - (mu_x - mu_y)^2 / (mu_x^2 + mu_y^2 + C1)
struct Luminance {
  static constexpr int kMoments = 2;  // V of x, y
  static constexpr int kProducts = 1;  // none, and an array has a length
  static constexpr int kDerived = 2;
  static constexpr int kSums = 1;
  static constexpr bool kMapped = true;
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = true;
  static constexpr int derived(int gradients) { return gradients; }

  template <class V>
  static INLINE void products(const V* x, const V* y, V*, int, int, const V** maps) {
    maps[0] = x;
    maps[1] = y;
  }

  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T> scale, Vector<T> offset_x, Vector<T> offset_d, const Vector<T>*, Work work) {
    work(Point<T>{broadcast((T)job.c1), 2 * scale, offset_x, offset_d});
  }

  template <class T>
  struct Point {
    using V = Vector<T>;
    V c1, twice_scale, offset_x, offset_d;

    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V upstream, V* values, V* slopes) const {
      const V mu_x = means[0] + offset_x, mu_d = means[0] - means[1] + offset_d, mu_y = mu_x - mu_d;
      const V over = 1 / (mu_x * mu_x + (mu_y * mu_y + c1)), loss = mu_d * mu_d * over;
      values[0] = 1 - loss;
      if (GRADIENTS == 0) return;
      V of_mean = twice_scale * over;
      if (MAPPED) of_mean = of_mean * upstream;
      slopes[0] = of_mean * (mu_x * loss - mu_d);
      if (GRADIENTS == 2) slopes[1] = of_mean * (mu_y * loss + mu_d);
    }
  };

  template <class V>
  static INLINE void pixel(V, V, const V* maps, bool both, V& of_x, V& of_y) {
    of_x = maps[0];
    if (both) of_y = maps[1];
  }
};

// V(|x - y|), of images that are not centred: signs have to be right.
struct Distance {
  static constexpr int kMoments = 1;
  static constexpr int kProducts = 1;
  static constexpr int kDerived = 1;
  static constexpr int kSums = 1;
  static constexpr bool kMapped = false;
  static constexpr bool kMasked = false;
  static constexpr bool kAlike = true;
  static constexpr int derived(int) { return 1; }

  template <class V>
  static INLINE void products(const V* x, const V* y, V* made, int, int length, const V** maps) {
    for (int i = 0; i < length; i++) {
      const V d = x[i] - y[i];
      made[i] = d < V{} ? -d : d;
    }
    maps[0] = made;
  }

  template <class T, class Work>
  static INLINE void points(const Similarity&, Vector<T> scale, Vector<T>, Vector<T>, const Vector<T>*, Work work) {
    work(Point<T>{scale});
  }

  template <class T>
  struct Point {
    using V = Vector<T>;
    V scale;

    template <int, bool>
    INLINE void at(const V* means, V, V* values, V* slopes) const {
      values[0] = means[0];
      slopes[0] = scale;
    }
  };

  template <class V>
  static INLINE void pixel(V x, V y, const V* maps, bool both, V& of_x, V& of_y) {
    const V d = x - y, zero = V{};
    of_x = d > zero ? maps[0] : d < zero ? -maps[0] : maps[0] * d;  // 0 of 0, and NaN of NaN
    if (both) of_y = -of_x;
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
