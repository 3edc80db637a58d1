// An equation for stream.h under a mask: its moments are normalised convolutions, V(m x) / V(m), and a position counts V(m).
//
// The sum of V(m) times the values is made, and that of V(m). The weight of a position and the divisor of its moments are the same number,
// which cancels in the derivatives.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class Equation>
struct Masked {
  static constexpr int kMoments = Equation::kMoments + 1;  // those of the equation, times the mask, and that of the mask
  static constexpr int kProducts = 2 * Equation::kMoments;
  static constexpr int kDerived = Equation::kDerived;
  static constexpr int kSums = 2;
  static constexpr bool kMapped = false;
  static constexpr bool kMasked = true;
  static constexpr bool kAlike = true;
  static constexpr int derived(int gradients) { return Equation::derived(gradients); }

  // The mask lies where a third image does.
  template <class V>
  static INLINE void products(V* x, V* y, V* made, int row, int length, const V** maps) {
    const V* mask = y + (y - x);
    V* weighed = made + Equation::kMoments * row;
    Equation::template products<V>(x, y, made, row, length, maps);
    for (int m = 0; m < Equation::kMoments; m++) {
      const V* map = maps[m];
      V* out = weighed + m * row;
      for (int i = 0; i < length; i++) out[i] = map[i] * mask[i];
      maps[m] = out;
    }
    maps[Equation::kMoments] = mask;
  }

  template <class T, class Work>
  static INLINE void points(const Similarity& job, Vector<T> scale, Vector<T> offset_x, Vector<T> offset_d, const Vector<T>* factors, Work work) {
    Equation::template points<T>(job, scale, offset_x, offset_d, factors,
                                 [&](const auto& point) INLINE_LAMBDA { work(Point<T, std::decay_t<decltype(point)>>{point}); });
  }

  template <class T, class Inner>
  struct Point {
    using V = Vector<T>;
    Inner point;

    template <int GRADIENTS, bool MAPPED>
    INLINE void at(const V* means, V upstream, V* values, V* slopes) const {
      const V mass = means[Equation::kMoments], one = V{} + 1;
      const Mask<T> seen = mass > V{};
      const V over = 1 / choose<T>(seen, mass, one);
      V normalised[Equation::kMoments];
      for (int m = 0; m < Equation::kMoments; m++) normalised[m] = means[m] * over;
      point.template at<GRADIENTS, MAPPED>(normalised, upstream, values, slopes);
      values[0] = values[0] * mass;
      values[1] = mass;
      for (int m = 0; m < Equation::derived(GRADIENTS) && GRADIENTS; m++) slopes[m] = choose<T>(seen, slopes[m], slopes[m] * mass);
    }
  };

  template <class V>
  static INLINE void pixel(V x, V y, const V* maps, bool both, V& of_x, V& of_y) {
    Equation::template pixel<V>(x, y, maps, both, of_x, of_y);
  }
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
