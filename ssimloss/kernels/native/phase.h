// Energy and amplitudes of the complex responses of one orientation at four scales, and their gradient; see functional/fsim.py.
//
// Of responses z_s with the sum Z: (|Z|^2 - sum_s |Im(z_s conj(Z))|) / (|Z| + epsilon), sum_s |z_s|, |z_0|. Lengths are sqrt(|z|^2 + tiny).

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPhaseScales = 4;
constexpr int64_t kPhasePiece = 512;  // pixels at a time

template <class T>
__attribute__((noinline)) void phase_row(const T* __restrict a, const T* __restrict b, const T* __restrict c, const T* __restrict d, T epsilon, T tiny,
                                         int64_t count, T* __restrict energy, T* __restrict amplitude, T* __restrict first) {
  for (int64_t j = 0; j < count; j++) {
    const T even[4] = {a[2 * j], b[2 * j], c[2 * j], d[2 * j]}, odd[4] = {a[2 * j + 1], b[2 * j + 1], c[2 * j + 1], d[2 * j + 1]};
    const T all_even = (even[0] + even[1]) + (even[2] + even[3]), all_odd = (odd[0] + odd[1]) + (odd[2] + odd[3]);
    T across = 0, sum = 0;
    for (int s = 0; s < 4; s++) {
      across += magnitude(odd[s] * all_even - even[s] * all_odd);
      const T length = square_root(even[s] * even[s] + odd[s] * odd[s] + tiny);
      sum += length;
      if (s == 0) first[j] = length;
    }
    const T squares = all_even * all_even + all_odd * all_odd;
    energy[j] = (squares - across) / (square_root(squares + tiny) + epsilon);
    amplitude[j] = sum;
  }
}

template <class T>
INLINE void phase_slopes(const T* even, const T* odd, T epsilon, T tiny, T of_energy, T of_amplitude, T of_first, T* of_even, T* of_odd) {
  const T all_even = (even[0] + even[1]) + (even[2] + even[3]), all_odd = (odd[0] + odd[1]) + (odd[2] + odd[3]);
  T turned[4], across = 0;
  for (int s = 0; s < 4; s++) {
    turned[s] = odd[s] * all_even - even[s] * all_odd;
    across += magnitude(turned[s]);
  }
  const T squares = all_even * all_even + all_odd * all_odd, length = square_root(squares + tiny), over = 1 / (length + epsilon);
  const T energy = (squares - across) * over, of_across = -of_energy * over;
  const T of_squares = of_energy * over * (1 - energy / (2 * length));
  T of_all_even = 2 * of_squares * all_even, of_all_odd = 2 * of_squares * all_odd;
  for (int s = 0; s < 4; s++) {
    turned[s] = turned[s] > 0 ? of_across : turned[s] < 0 ? -of_across : T(0);
    of_all_even += turned[s] * odd[s];
    of_all_odd -= turned[s] * even[s];
  }
  for (int s = 0; s < 4; s++) {
    const T slope = (s == 0 ? of_amplitude + of_first : of_amplitude) / square_root(even[s] * even[s] + odd[s] * odd[s] + tiny);
    of_even[s] = of_all_even - turned[s] * all_odd + slope * even[s];
    of_odd[s] = of_all_odd + turned[s] * all_even + slope * odd[s];
  }
}

template <class T>
__attribute__((noinline)) void phase_gradient_row(const T* __restrict a, const T* __restrict b, const T* __restrict c, const T* __restrict d, T epsilon,
                                                  T tiny, int64_t count, const T* __restrict of_energy, const T* __restrict of_amplitude,
                                                  const T* __restrict of_first, T* __restrict to_a, T* __restrict to_b, T* __restrict to_c,
                                                  T* __restrict to_d) {
  for (int64_t j = 0; j < count; j++) {
    const T even[4] = {a[2 * j], b[2 * j], c[2 * j], d[2 * j]}, odd[4] = {a[2 * j + 1], b[2 * j + 1], c[2 * j + 1], d[2 * j + 1]};
    T of_even[4], of_odd[4];
    phase_slopes<T>(even, odd, epsilon, tiny, of_energy[j], of_amplitude[j], of_first[j], of_even, of_odd);
    to_a[2 * j] = of_even[0];
    to_a[2 * j + 1] = of_odd[0];
    to_b[2 * j] = of_even[1];
    to_b[2 * j + 1] = of_odd[1];
    to_c[2 * j] = of_even[2];
    to_c[2 * j + 1] = of_odd[2];
    to_d[2 * j] = of_even[3];
    to_d[2 * j + 1] = of_odd[3];
  }
}

template <class T>
void phase_energy_of(const PhaseEnergy& job, int share, int shares) {
  const int64_t pieces = (job.pixels + kPhasePiece - 1) / kPhasePiece, all = job.count * pieces;
  const T epsilon = (T)job.epsilon, tiny = (T)job.tiny;
  for (int64_t at = all * share / shares; at < all * (share + 1) / shares; at++) {
    const int64_t n = at / pieces, first = at % pieces * kPhasePiece, count = job.pixels - first < kPhasePiece ? job.pixels - first : kPhasePiece;
    const T* z[kPhaseScales];
    for (int s = 0; s < kPhaseScales; s++) z[s] = (const T*)job.responses + 2 * ((n * kPhaseScales + s) * job.pixels + first);
    const int64_t place = 3 * n * job.pixels + first;
    if (!job.gradient) {
      T* out = (T*)job.out + place;
      phase_row(z[0], z[1], z[2], z[3], epsilon, tiny, count, out, out + job.pixels, out + 2 * job.pixels);
    } else {
      const T* upstream = (const T*)job.upstream + place;
      T* to[kPhaseScales];
      for (int s = 0; s < kPhaseScales; s++) to[s] = (T*)job.gradient + 2 * ((n * kPhaseScales + s) * job.pixels + first);
      phase_gradient_row(z[0], z[1], z[2], z[3], epsilon, tiny, count, upstream, upstream + job.pixels, upstream + 2 * job.pixels, to[0], to[1], to[2],
                         to[3]);
    }
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
