// Colours and differences of FLIP, with derivatives; see flip.h.

#pragma once

#include "functions.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// --- colours ---------------------------------------------------------------------------------------------------------------------------

template <class T>
struct FlipColors {
  static constexpr double white_x = 0.950428545, white_z = 1.088900371;
  static constexpr double xyz[3][3] = {
      {10135552 / 24577794. / white_x, 8788810 / 24577794. / white_x, 4435075 / 24577794. / white_x},
      {2613072 / 12288897., 8788810 / 12288897., 887015 / 12288897.},
      {1425312 / 73733382. / white_z, 8788810 / 73733382. / white_z, 70074185 / 73733382. / white_z}};
  static constexpr double rgb[3][3] = {{3.241003275 * white_x, -1.537398934, -0.498615861 * white_z},
                                       {-0.969224334 * white_x, 1.875930071, 0.041554224 * white_z},
                                       {0.055639423 * white_x, -0.204011202, 1.057148933 * white_z}};
  static constexpr T knee = T(216.0 / 24389), steepness = T(841.0 / 108), offset = T(4.0 / 29), corner = T(6.0 / 29);
  // Within rounding of the box, colours keep their slope.
  static constexpr T slack = 16 * (sizeof(T) == sizeof(float) ? T(0x1p-23) : T(0x1p-52)), most = 1 + slack;

  static INLINE T weigh(int i, T red, T green, T blue) { return T(xyz[i][0]) * red + T(xyz[i][1]) * green + T(xyz[i][2]) * blue; }
  static INLINE T channel(int k, T y, T xy, T yz) { return T(rgb[k][0]) * (y + xy) + T(rgb[k][1]) * y + T(rgb[k][2]) * (y - yz); }
  static INLINE T inside(T value) { return value < -slack ? -slack : value > most ? most : value; }
  static INLINE T curve(T t) {
    const T root = cube_root_of(t <= knee ? T(1) : t);
    return t <= knee ? steepness * t + offset : root;
  }
  static INLINE T slope(T f) {  // of the curve, whose slope is continuous
    const T root = T(1.0 / 3) / (f * f);
    return f <= corner ? steepness : root;
  }
};

// On a scale from 0 to 1, clamped.
template <class T>
__attribute__((noinline)) void unit_row(const T* __restrict encoded, T low, T unit, int64_t count, T* __restrict out) {
  for (int64_t j = 0; j < count; j++) {
    const T value = (encoded[j] - low) * unit;
    out[j] = value < 0 ? T(0) : value > 1 ? T(1) : value;
  }
}

// Linear light to Y, X - Y and Y - Z.
template <class T>
__attribute__((noinline)) void luminance_row(const T* __restrict r, const T* __restrict g, const T* __restrict b, int64_t count, T* __restrict y,
                                             T* __restrict xy, T* __restrict yz) {
  using C = FlipColors<T>;
  for (int64_t j = 0; j < count; j++) {
    const T p_y = C::weigh(1, r[j], g[j], b[j]);
    y[j] = p_y;
    xy[j] = C::weigh(0, r[j], g[j], b[j]) - p_y;
    yz[j] = p_y - C::weigh(2, r[j], g[j], b[j]);
  }
}

// The gradient of these to that of linear light, in place.
template <class T>
__attribute__((noinline)) void unluminance_row(int64_t count, T* __restrict y, T* __restrict xy, T* __restrict yz) {
  using C = FlipColors<T>;
  for (int64_t j = 0; j < count; j++) {
    const T of_x = xy[j], of_y = y[j] - xy[j] + yz[j], of_z = -yz[j];
    y[j] = T(C::xyz[0][0]) * of_x + T(C::xyz[1][0]) * of_y + T(C::xyz[2][0]) * of_z;
    xy[j] = T(C::xyz[0][1]) * of_x + T(C::xyz[1][1]) * of_y + T(C::xyz[2][1]) * of_z;
    yz[j] = T(C::xyz[0][2]) * of_x + T(C::xyz[1][2]) * of_y + T(C::xyz[2][2]) * of_z;
  }
}

// Filtered Y, X - Y and Y - Z to L and, scaled by Hunt's effect, a and b; and the curve of CIELAB of X, Y and Z.
template <class T>
__attribute__((noinline)) void hunt_row(const T* __restrict y, const T* __restrict xy, const T* __restrict yz, int64_t count, T* __restrict l,
                                        T* __restrict a, T* __restrict b, T* __restrict of_x, T* __restrict of_y, T* __restrict of_z) {
  using C = FlipColors<T>;
  for (int64_t j = 0; j < count; j++) {
    const T red = C::inside(C::channel(0, y[j], xy[j], yz[j])), green = C::inside(C::channel(1, y[j], xy[j], yz[j])),
            blue = C::inside(C::channel(2, y[j], xy[j], yz[j]));
    const T f_x = C::curve(C::weigh(0, red, green, blue)), f_y = C::curve(C::weigh(1, red, green, blue)),
            f_z = C::curve(C::weigh(2, red, green, blue));
    const T light = 116 * f_y - 16;
    l[j] = light;
    a[j] = T(0.01) * light * (500 * (f_x - f_y));
    b[j] = T(0.01) * light * (200 * (f_y - f_z));
    of_x[j] = f_x;
    of_y[j] = f_y;
    of_z[j] = f_z;
  }
}

// Its transpose: y, xy and yz become their gradient, given that of L, a and b.
template <class T>
__attribute__((noinline)) void unhunt_row(const T* __restrict of_l, const T* __restrict of_a, const T* __restrict of_b, const T* __restrict f_x,
                                          const T* __restrict f_y, const T* __restrict f_z, int64_t count, T* __restrict y, T* __restrict xy,
                                          T* __restrict yz) {
  using C = FlipColors<T>;
  for (int64_t j = 0; j < count; j++) {
    const T light = 116 * f_y[j] - 16, across = 5 * light * of_a[j], down = 2 * light * of_b[j];
    const T of_light = of_l[j] + 5 * (f_x[j] - f_y[j]) * of_a[j] + 2 * (f_y[j] - f_z[j]) * of_b[j];
    const T of_x = across * C::slope(f_x[j]), of_y = (116 * of_light - across + down) * C::slope(f_y[j]), of_z = -down * C::slope(f_z[j]);
    T sums[3] = {0, 0, 0};
    for (int k = 0; k < 3; k++) {
      const T value = C::channel(k, y[j], xy[j], yz[j]);
      const T whole = T(C::xyz[0][k]) * of_x + T(C::xyz[1][k]) * of_y + T(C::xyz[2][k]) * of_z;
      const T of_channel = (value >= -C::slack) & (value <= C::most) ? whole : T(0);
      sums[0] += T(C::rgb[k][0] + C::rgb[k][1] + C::rgb[k][2]) * of_channel;
      sums[1] += T(C::rgb[k][0]) * of_channel;
      sums[2] -= T(C::rgb[k][2]) * of_channel;
    }
    y[j] = sums[0];
    xy[j] = sums[1];
    yz[j] = sums[2];
  }
}

// The gradient of linear light to that of the encoded image, which has none beyond the range.
template <class T>
__attribute__((noinline)) void clamped_row(const T* __restrict encoded, T low, T unit, int64_t count, const T* __restrict in,
                                           T* __restrict gradient) {
  for (int64_t j = 0; j < count; j++) {
    const T value = (encoded[j] - low) * unit;
    gradient[j] = (value >= 0) & (value <= 1) ? unit * in[j] : T(0);
  }
}

// --- differences -----------------------------------------------------------------------------------------------------------------------

// The difference of lengths of two vectors, and its derivatives times `slope` in place of the vectors.
template <class T>
struct LengthDifference {
  using V = Vector<T>;
  V x, y, size;
  INLINE LengthDifference(const T* const* seen_x, const T* const* seen_y, int first, int64_t j)
      : x(length_of(seen_x, first, j)), y(length_of(seen_y, first, j)), size(size_of_each<T>(x - y)) {}
  INLINE void write(V slope, int first, int64_t j, T* const* seen_x, T* const* seen_y) const {
    const V signed_slope = choose<T>(x < y, -slope, keep<T>(slope, x != y));
    scale(seen_x, first, j, x, signed_slope);
    scale(seen_y, first, j, y, -signed_slope);
  }

 private:
  static constexpr T least = T(0x1p-17);  // edges and points up to this can be rounding
  static INLINE V length_of(const T* const* seen, int first, int64_t j) {
    const V across = load(seen[first] + j), down = load(seen[first + 1] + j);
    return root_of<T>(across * across + down * down);
  }
  static INLINE void scale(T* const* seen, int first, int64_t j, V length, V slope) {
    const Mask<T> still = length <= least;
    const V factor = keep<T>(slope / choose<T>(still, broadcast<T>(1), length), ~still);
    for (int k = first; k < first + 2; k++) store<T>(seen[k] + j, factor * load(seen[k] + j));
  }
};

// The differences of a row; WANTED: and `weight` times their derivatives with respect to L, a, b, edges and points, in place.
template <class T, bool WANTED>
__attribute__((noinline)) void flip_row(T* const* lab_x, T* const* lab_y, T* const* seen_x, T* const* seen_y, T weight, int64_t count, T* values) {
  using V = Vector<T>;
  constexpr double kLog2 = 0.69314718055994531, kMost = 41.276098411857355, kKnee = 0.4 * kMost;  // the largest difference of colours, and a knee
  constexpr T kBelow = T(0.95 / kKnee), kAbove = T(0.05 / (kMost - kKnee)), kSteepest = T(1e-4), kGray = T(1e-6), kFeature = T(1e-6);
  constexpr T kTiny = sizeof(T) == sizeof(float) ? T(0x1p-126) : T(0x1p-1022);
  const V none = V{}, one = broadcast<T>(1);
  for (int64_t j = 0; j < count; j += Lanes<T>::count) {
    const V d_l = load(lab_x[0] + j) - load(lab_y[0] + j), d_a = load(lab_x[1] + j) - load(lab_y[1] + j);
    const V d_b = load(lab_x[2] + j) - load(lab_y[2] + j);
    const V square = d_a * d_a + d_b * d_b, chroma = root_of<T>(square), distance = size_of_each<T>(d_l) + chroma;
    const V least = choose<T>(distance < kTiny, broadcast<T>(kTiny), distance);
    const V power = keep<T>(exponential<T>(T(0.7 * kLog2) * log2_of<T>(least)), ~(distance <= 0));
    const Mask<T> low = power < T(kKnee);
    const V colour = choose<T>(low, power * kBelow, T(0.95) + (power - T(kKnee)) * kAbove);

    const LengthDifference<T> edge(seen_x, seen_y, 3, j), point(seen_x, seen_y, 5, j);
    const Mask<T> edges = (edge.size > point.size) | (edge.size != edge.size);
    const V feature = choose<T>(edges, edge.size, point.size) * T(0.70710678118654752), root = root_of<T>(feature), exponent = 1 - root;
    const V log_colour = T(kLog2) * log2_of<T>(choose<T>(colour < kTiny, broadcast<T>(kTiny), colour));
    const V value = keep<T>(exponential<T>(exponent * log_colour), ~(colour <= 0));
    store<T>(values + j, value);
    if (!WANTED) continue;

    const Mask<T> near = colour < kSteepest, still = square <= kGray, close = distance < kSteepest;
    const V held = exponential<T>(root * T(9.2103403719761836)), ratio = value / choose<T>(near, one, colour);
    const V of_colour = weight * exponent * choose<T>(near, held, ratio);
    const V of_exponent = keep<T>(weight * value * log_colour, ~near);
    const V steep = choose<T>(close, broadcast<T>(T(11.094252347227792)), T(0.7) * power / choose<T>(close, one, distance));
    const V of_distance = of_colour * steep * choose<T>(low, broadcast<T>(kBelow), broadcast<T>(kAbove));
    const V of_chroma = keep<T>(of_distance / choose<T>(still, one, chroma), ~still);
    const V of_l = choose<T>(d_l < 0, -of_distance, keep<T>(of_distance, d_l != 0)), of_a = of_chroma * d_a, of_b = of_chroma * d_b;
    store<T>(lab_x[0] + j, of_l);
    store<T>(lab_x[1] + j, of_a);
    store<T>(lab_x[2] + j, of_b);
    store<T>(lab_y[0] + j, -of_l);
    store<T>(lab_y[1] + j, -of_a);
    store<T>(lab_y[2] + j, -of_b);
    const V of_feature = of_exponent * T(-0.35355339059327376) / choose<T>(feature < kFeature, broadcast<T>(T(1e-3)), root);
    const V shared = choose<T>(edge.size == point.size, T(0.5) * of_feature, none);
    edge.write(choose<T>(edge.size > point.size, of_feature, shared), 3, j, seen_x, seen_y);
    point.write(choose<T>(edge.size < point.size, of_feature, shared), 5, j, seen_x, seen_y);
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
