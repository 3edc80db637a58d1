// CIEDE2000 of sRGB images: the mean over the pixels of each image, and its gradient; see functional/ciede2000.py.
//
//   light_row       pieces of rows of both images       -> linear light
//   lab_row         linear light                        -> the curve of CIELAB of Y, differences of those of X, Y, Z; the curve's slopes
//   difference_row  both of them                        -> the sum of differences; derivatives of what lab_row computes
//   unlab_row       these and the slopes                -> the gradient of linear light
//   encoded_row     that                                -> the gradient of the image
//
// The differences of both colours are computed before they are scaled and squared, so that equal pixels differ by exactly 0.

#pragma once

#include "light.h"
#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int64_t kColorPiece = 256;  // pixels
constexpr int kColorLines = 30;       // encoded, light, lab, slopes and derivatives of three planes of both images

// Linear light to X, Y and Z over those of the white point, and the curve of CIELAB: a cube root, and below the knee a line.
template <class T>
struct Lab {
  static constexpr double white_x = 0.95047, white_z = 1.08883;
  static constexpr double rows[3][3] = {{0.412453 / white_x, 0.357580 / white_x, 0.180423 / white_x},
                                        {0.212671, 0.715160, 0.072169},
                                        {0.019334 / white_z, 0.119193 / white_z, 0.950227 / white_z}};
  static constexpr T knee = T(0.008856), steepness = T(7.787), offset = T(16.0 / 116);

  static INLINE T weigh(int i, T red, T green, T blue) { return T(rows[i][0]) * red + T(rows[i][1]) * green + T(rows[i][2]) * blue; }
  // Row i less row i + 1: of gray, of which the rows differ by little, without cancellation.
  static INLINE T apart(int i, T red, T green, T blue) {
    constexpr double sums[3] = {rows[0][0] + rows[0][1] + rows[0][2], rows[1][0] + rows[1][1] + rows[1][2], rows[2][0] + rows[2][1] + rows[2][2]};
    return T(rows[i][0] - rows[i + 1][0]) * (red - green) + T(rows[i][2] - rows[i + 1][2]) * (blue - green) + T(sums[i] - sums[i + 1]) * green;
  }
  static INLINE T curve(T t) {
    const T root = cube_root_of(t <= knee ? T(1) : t);
    return t <= knee ? steepness * t + offset : root;
  }
  static INLINE T slope(T t, T f) {
    const T root = T(1.0 / 3) / (f * f);
    return t <= knee ? steepness : root;
  }
  // f(t) - f(u), of t - u. What the offset rounds away is 0: next to black there is no hue.
  static INLINE T difference(T t, T u, T f, T g, T off) {
    constexpr T least = sizeof(T) == sizeof(float) ? T(0x1p-27) : T(0x1p-56);
    const T of_roots = off / (f * f + f * g + g * g), line = steepness * off, of_lines = magnitude(line) < least ? T(0) : line, mixed = f - g;
    const bool dark = t <= knee, other = u <= knee;
    return dark & other ? of_lines : dark | other ? mixed : of_roots;
  }
};

template <class T, bool SLOPES>
__attribute__((noinline)) void lab_row(const T* __restrict r, const T* __restrict g, const T* __restrict b, int64_t count, T* __restrict light,
                                       T* __restrict green, T* __restrict yellow, T* __restrict of_x, T* __restrict of_y, T* __restrict of_z) {
  using L = Lab<T>;
  for (int64_t j = 0; j < count; j++) {
    const T x = L::weigh(0, r[j], g[j], b[j]), y = L::weigh(1, r[j], g[j], b[j]), z = L::weigh(2, r[j], g[j], b[j]);
    const T f_x = L::curve(x), f_y = L::curve(y), f_z = L::curve(z);
    light[j] = f_y;
    green[j] = L::difference(x, y, f_x, f_y, L::apart(0, r[j], g[j], b[j]));
    yellow[j] = L::difference(y, z, f_y, f_z, L::apart(1, r[j], g[j], b[j]));
    if (SLOPES) {
      of_x[j] = L::slope(x, f_x);
      of_y[j] = L::slope(y, f_y);
      of_z[j] = L::slope(z, f_z);
    }
  }
}

// Derivatives with respect to what lab_row computes, to those of linear light, in place.
template <class T>
__attribute__((noinline)) void unlab_row(const T* __restrict of_x, const T* __restrict of_y, const T* __restrict of_z, int64_t count,
                                         T* __restrict red, T* __restrict green, T* __restrict blue) {
  using L = Lab<T>;
  for (int64_t j = 0; j < count; j++) {
    const T x = green[j] * of_x[j], y = (red[j] - green[j] + blue[j]) * of_y[j], z = -blue[j] * of_z[j];
    red[j] = T(L::rows[0][0]) * x + T(L::rows[1][0]) * y + T(L::rows[2][0]) * z;
    green[j] = T(L::rows[0][1]) * x + T(L::rows[1][1]) * y + T(L::rows[2][1]) * z;
    blue[j] = T(L::rows[0][2]) * x + T(L::rows[1][2]) * y + T(L::rows[2][2]) * z;
  }
}

// The length and the direction of (a, b), to rounding even of the smallest numbers; the direction of 0 is (1, 0).
template <class T>
struct Polar {
  using V = Vector<T>;
  V length, cosine, sine;
  Mask<T> zero;

  INLINE Polar(V a, V b) {
    constexpr bool kFloat = sizeof(T) == sizeof(float);
    constexpr T kSmall = kFloat ? T(0x1p-60) : T(0x1p-500), kGrow = kFloat ? T(0x1p100) : T(0x1p700);
    const V size_a = size_of_each<T>(a), size_b = size_of_each<T>(b);
    const V size = choose<T>(size_a > size_b, size_a, size_b), one = broadcast<T>(1);
    const Mask<T> small = size < kSmall;
    const V grow = choose<T>(small, broadcast<T>(kGrow), one), across = a * grow, up = b * grow, root = root_of<T>(across * across + up * up);
    zero = size == 0;
    const V over = 1 / choose<T>(zero, one, root);
    length = root * choose<T>(small, broadcast<T>(1 / kGrow), one);
    cosine = choose<T>(zero, one, across * over);
    sine = up * over;
  }
  // A length as small as rounding makes it grows towards the other colour.
  INLINE Mask<T> corner() const { return length < (sizeof(T) == sizeof(float) ? T(0x1p-103) : T(0x1p-970)); }
  INLINE V across(const Polar& other) const { return along(cosine, other, other.cosine); }
  INLINE V up(const Polar& other) const { return along(sine, other, other.sine); }

 private:
  INLINE V along(V own, const Polar& other, V others) const {
    const Mask<T> corners = corner();
    return choose<T>(corners, keep<T>(others, ~other.corner()), own);
  }
};

// sqrt(C^7 / (C^7 + 25^7)), and its derivative.
template <class T>
struct Saturation {
  Vector<T> value, slope;
  INLINE explicit Saturation(Vector<T> chroma) {
    const Vector<T> ratio = chroma * T(1.0 / 25), r = choose<T>(ratio > T(1e3), broadcast<T>(T(1e3)), ratio);  // beyond, it is 1
    const Vector<T> steep = r * r * root_of<T>(r), power = steep * r, over = 1 / root_of<T>(1 + power * power);
    value = power * over;
    slope = T(3.5 / 25) * steep * (over * over * over);
  }
};

// The sum of differences of a row, and (WANTED) `weight` times its derivatives. What lies beyond `count` must be equal.
template <class T, bool WANTED>
__attribute__((noinline)) double difference_row(const T* const* x, const T* const* y, int64_t count, const T* k, T weight, T* const* of_x,
                                                T* const* of_y) {
  using V = Vector<T>;
  using M = Mask<T>;
  constexpr double kDegree = 3.141592653589793 / 180;
  constexpr T kGray = T(1e-6);  // a product of chromas; below it, the slope of the hue difference is constant
  const V one = broadcast<T>(1), none = V{};
  V sum = none;
  for (int64_t j = 0; j < count; j += Lanes<T>::count) {
    const V a0_x = 500 * load(x[1] + j), b_x = 200 * load(x[2] + j), a0_y = 500 * load(y[1] + j), b_y = 200 * load(y[2] + j);
    const Polar<T> first_x(a0_x, b_x), first_y(a0_y, b_y);
    const Saturation<T> gray(T(0.5) * (first_x.length + first_y.length));
    const V stretch = T(1.5) - T(0.5) * gray.value, a_x = stretch * a0_x, a_y = stretch * a0_y;
    const Polar<T> p_x(a_x, b_x), p_y(a_y, b_y);
    const V c_x = p_x.length, c_y = p_y.length, c_sum = c_x + c_y, chroma = T(0.5) * c_sum;
    const V d_l = 116 * (load(x[0] + j) - load(y[0] + j)), d_a = stretch * (500 * (load(x[1] + j) - load(y[1] + j)));
    const V d_b = 200 * (load(x[2] + j) - load(y[2] + j));
    // C_x - C_y, of squares.
    const V d_c = (d_a * (a_x + a_y) + d_b * (b_x + b_y)) / choose<T>(c_sum == 0, one, c_sum);

    // The hue difference by the half angle: the product of lengths and the scalar product give its cosine, the cross product its sine.
    const V product = c_x * c_y, dot = a_x * a_y + b_x * b_y;
    const M close = d_a * d_a + d_b * d_b < c_x * c_x, near = dot >= 0;
    const V cross = choose<T>(close, a_y * d_b - b_y * d_a, a_y * b_x - a_x * b_y);
    const V half = T(0.5) * (product + dot), floored = choose<T>(half < kGray, broadcast<T>(kGray), half);
    const V least = broadcast<T>(sizeof(T) == sizeof(float) ? T(1e-37) : T(1e-307));
    const V d_h2 = choose<T>(near, cross * (cross / choose<T>(half < least, least, half)), 2 * (product - dot));
    const V over_root = 1 / root_of<T>(choose<T>(near, floored, d_h2));
    const V side = keep<T>(one, cross > 0) - keep<T>(one, cross < 0);
    const V d_h = choose<T>(near, cross * over_root, side * d_h2 * over_root);

    // The direction of the mean hue bisects the smaller angle. Gray has no hue: the sum of both is the other one's.
    const M grays = product == 0;
    const M left = (cross > 0) | ((cross == 0) & ((b_y > 0) | ((b_y == 0) & (a_y > 0))));  // of opposite hues: y has the smaller one
    const V sum_a = p_x.cosine + p_y.cosine, sum_b = p_x.sine + p_y.sine, off_a = p_x.cosine - p_y.cosine, off_b = p_x.sine - p_y.sine;
    const V of_grays_a = p_x.cosine * p_y.cosine - p_x.sine * p_y.sine, of_grays_b = p_x.sine * p_y.cosine + p_x.cosine * p_y.sine;
    const V mean_a = choose<T>(grays, of_grays_a, choose<T>(near, sum_a, choose<T>(left, off_b, -off_b)));
    const V mean_b = choose<T>(grays, of_grays_b, choose<T>(near, sum_b, choose<T>(left, -off_a, off_a)));
    const V unit = 1 / root_of<T>(mean_a * mean_a + mean_b * mean_b), cosine = mean_a * unit, sine = mean_b * unit;
    const V cosine2 = cosine * cosine - sine * sine, sine2 = 2 * cosine * sine;
    const V cosine3 = cosine2 * cosine - sine2 * sine, sine3 = sine2 * cosine + cosine2 * sine;
    const V cosine4 = cosine2 * cosine2 - sine2 * sine2, sine4 = 2 * cosine2 * sine2;
    constexpr T kCos30 = T(0.86602540378443865), kSin30 = T(0.5), kCos6 = T(0.99452189536827329), kSin6 = T(0.10452846326765347);
    constexpr T kCos63 = T(0.45399049973954675), kSin63 = T(0.89100652418836786);
    const V t = 1 - T(0.17) * (kCos30 * cosine + kSin30 * sine) + T(0.24) * cosine2 + T(0.32) * (kCos6 * cosine3 - kSin6 * sine3) -
                T(0.20) * (kCos63 * cosine4 + kSin63 * sine4);
    const V z = angle_of<T>(cosine, sine) * T(1 / (25 * kDegree)) - 11, square = z * z;
    V decayed, gone, sine_turn, cosine_turn;
    decay<T>(choose<T>(square > 80, broadcast<T>(80), square), decayed, gone);
    const V turn = T(60 * kDegree) * decayed;
    sine_cosine<T>(turn, sine_turn, cosine_turn);
    const Saturation<T> colorful(chroma);
    const V r_t = -2 * sine_turn * colorful.value;

    const V above = 58 * (load(x[0] + j) + load(y[0] + j)) - 66, far = above * above, over_far = 1 / root_of<T>(20 + far);  // mean L - 50
    const V s_l = 1 + T(0.015) * far * over_far, s_c = 1 + T(0.045) * chroma, s_h = 1 + T(0.015) * chroma * t;
    const V over_l = 1 / s_l, over_c = 1 / s_c, over_h = 1 / (k[2] * s_h);
    const V lightness = d_l * over_l * (1 / k[0]), chromatic = d_c * over_c * (1 / k[1]), hue = d_h * over_h, hue2 = d_h2 * over_h * over_h;
    const V total = lightness * lightness + chromatic * chromatic + hue2 + r_t * chromatic * hue;
    const V difference = root_of<T>(choose<T>(total < 0, none, total));
    sum += difference;
    if (!WANTED) continue;

    const M still = total <= 0;
    const V scale = choose<T>(still, none, T(0.5) * weight / choose<T>(still, one, difference));
    const V of_lightness = 2 * scale * lightness, of_chromatic = scale * (2 * chromatic + r_t * hue);
    const V turned = scale * chromatic * over_h, of_r_t = turned * d_h, of_hue = turned * r_t;  // of_hue: of d_h
    const V of_s_h = -(2 * scale * hue2 + of_r_t * r_t) * over_h * k[2];
    const V of_s_l = -of_lightness * lightness * over_l, of_s_c = -of_chromatic * chromatic * over_c;
    const V of_d_l = of_lightness * over_l * (1 / k[0]), of_d_c = of_chromatic * over_c * (1 / k[1]);
    const V of_d_h2 = scale * over_h * over_h + keep<T>(T(0.5) * of_hue * side * over_root, ~near & (d_h2 > 0));
    // Of the mean lightness, of half the sum of chromas, of the angle of the mean hue.
    const V of_mean = of_s_l * T(0.015) * above * (2 - far * over_far * over_far) * over_far;
    const V of_half = T(0.5) * (T(0.045) * of_s_c + T(0.015) * t * of_s_h - 2 * sine_turn * colorful.slope * of_r_t);
    const V by_t = T(0.17) * (kCos30 * sine - kSin30 * cosine) - T(0.48) * sine2 - T(0.96) * (kCos6 * sine3 + kSin6 * cosine3) +
                   T(0.80) * (kCos63 * sine4 - kSin63 * cosine4);
    const V by_turn = -2 * cosine_turn * colorful.value * turn * z * T(-2 / (25 * kDegree));
    const V of_angle = of_s_h * T(0.015) * chroma * by_t + of_r_t * by_turn, share = choose<T>(grays, of_angle, T(0.5) * of_angle);
    const V of_cross = keep<T>(of_hue * over_root, near);
    const V of_half_product = keep<T>(T(-0.5) * of_cross * cross * over_root * over_root, near & (half >= kGray));  // of `half`

    const V along_x = p_x.across(p_y), up_x = p_x.up(p_y), along_y = p_y.across(p_x), up_y = p_y.up(p_x);
    const V of_c_x = of_half + of_d_c - 2 * d_c * of_d_h2 + T(0.5) * c_y * of_half_product;
    const V of_c_y = of_half - of_d_c + 2 * d_c * of_d_h2 + T(0.5) * c_x * of_half_product;
    const V round_x = share / choose<T>(p_x.zero, one, c_x), round_y = share / choose<T>(p_y.zero, one, c_y);
    const V of_a_x = of_c_x * along_x + 2 * d_a * of_d_h2 - of_cross * b_y + T(0.5) * of_half_product * a_y - round_x * p_x.sine;
    const V of_b_x = of_c_x * up_x + 2 * d_b * of_d_h2 + of_cross * a_y + T(0.5) * of_half_product * b_y + round_x * p_x.cosine;
    const V of_a_y = of_c_y * along_y - 2 * d_a * of_d_h2 + of_cross * b_x + T(0.5) * of_half_product * a_x - round_y * p_y.sine;
    const V of_b_y = of_c_y * up_y - 2 * d_b * of_d_h2 - of_cross * a_x + T(0.5) * of_half_product * b_x + round_y * p_y.cosine;
    const V of_length = T(-0.25) * gray.slope * (of_a_x * a0_x + of_a_y * a0_y);
    store<T>(of_x[0] + j, 116 * (T(0.5) * of_mean + of_d_l));
    store<T>(of_x[1] + j, 500 * (stretch * of_a_x + of_length * first_x.across(first_y)));
    store<T>(of_x[2] + j, 200 * (of_b_x + of_length * first_x.up(first_y)));
    store<T>(of_y[0] + j, 116 * (T(0.5) * of_mean - of_d_l));
    store<T>(of_y[1] + j, 500 * (stretch * of_a_y + of_length * first_y.across(first_x)));
    store<T>(of_y[2] + j, 200 * (of_b_y + of_length * first_y.up(first_x)));
  }
  double total = 0;
  for (int lane = 0; lane < Lanes<T>::count; lane++) total += sum[lane];
  return total;
}

// A piece of a row of both images.
template <class T>
class ColorPiece {
 public:
  ColorPiece(const ColorMeans& job, T* scratch) : job_(job) {
    for (int which = 0; which < 2; which++)
      for (int line = 0; line < kColorLines / 2; line++, scratch += kColorPiece) lines_[which][line] = scratch;
    for (int i = 0; i < 3; i++) k_[i] = (T)job.k[i];
  }

  double run(int64_t image, int64_t row, int64_t column, int64_t count) {
    constexpr int64_t n = Lanes<T>::count;
    const int64_t whole = (count + n - 1) / n * n;
    const T low = (T)job_.low, unit = (T)job_.unit;
    const bool of_x = job_.grad_x.data, of_y = job_.grad_y.data, wanted = of_x || of_y;
    for (int which = 0; which < 2; which++) {
      T* const* line = lines_[which];
      const Image& from = which ? job_.y : job_.x;
      for (int64_t c = 0; c < job_.channels; c++) {
        read_line(from, start_of(from, image * job_.channels + c, job_.channels, row, column), count, T(0), line[c]);
        for (int64_t j = count; j < whole; j++) line[c][j] = T(0);
        light_row(line[c], low, unit, whole, line[3 + c]);
      }
      T* const* light = line + 3;
      const int green = job_.channels == 3 ? 1 : 0, blue = 2 * green;  // gray is three equal channels
      if (wanted)
        lab_row<T, true>(light[0], light[green], light[blue], whole, line[6], line[7], line[8], line[9], line[10], line[11]);
      else
        lab_row<T, false>(light[0], light[green], light[blue], whole, line[6], line[7], line[8], line[9], line[10], line[11]);
    }
    T *const *x = lines_[0], *const *y = lines_[1];
    const T weight = (T)job_.scale;
    const double sum = wanted ? difference_row<T, true>(x + 6, y + 6, whole, k_, weight, x + 12, y + 12)
                              : difference_row<T, false>(x + 6, y + 6, whole, k_, weight, x + 12, y + 12);
    for (int which = 0; wanted && which < 2; which++)
      if (which ? of_y : of_x) write(which, image, row, column, count, whole);
    return sum;
  }

 private:
  void write(int which, int64_t image, int64_t row, int64_t column, int64_t count, int64_t whole) {
    T *const *line = lines_[which], *const *gradient = line + 12;
    const Image& to = which ? job_.grad_y : job_.grad_x;
    unlab_row(line[9], line[10], line[11], whole, gradient[0], gradient[1], gradient[2]);
    if (job_.channels == 1)
      for (int64_t j = 0; j < whole; j++) gradient[0][j] += gradient[1][j] + gradient[2][j];
    for (int64_t c = 0; c < job_.channels; c++) {
      encoded_row(line[c], (T)job_.low, (T)job_.unit, whole, gradient[c]);
      T* out = (T*)to.data + start_of(to, image * job_.channels + c, job_.channels, row, column);
      const T* __restrict from = gradient[c];
      const int64_t step = to.stride[3];
      for (int64_t j = 0; j < count; j++) out[j * step] = from[j];
    }
  }

  const ColorMeans& job_;
  T* lines_[2][kColorLines / 2];
  T k_[3];
};

template <class T>
void color_means_of(const ColorMeans& job, int share, int shares, T* scratch) {
  ColorPiece<T> piece(job, scratch);
  const int64_t rows = job.count * job.height;
  for (int64_t at = rows * share / shares; at < rows * (share + 1) / shares; at++) {
    double sum = 0;
    for (int64_t column = 0; column < job.width; column += kColorPiece) {
      const int64_t count = job.width - column < kColorPiece ? job.width - column : kColorPiece;
      sum += piece.run(at / job.height, at % job.height, column, count);
    }
    job.row_sums[at] = sum;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
