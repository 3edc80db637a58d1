// Phase congruency of one image and its gradient, step by step; see functional/fsim.py.
//
// Of responses z_s with the sum Z: energy (|Z|^2 - sum_s |Im(z_s conj(Z))|) / (|Z| + epsilon), amplitudes |z_s|. Lengths are sqrt(|z|^2 + tiny).
//
// As many rows are transformed together as a vector has lanes (a "band"), and as many columns (a "strip"). Maps lie in bands, spectra in strips:
//
//     map       [band][column] vectors of the rows of a band          spectrum  [strip][row] pairs of vectors of the columns of a strip
//
// The spectrum is multiplied by a filter while it is read, so that no spectrum of a response is stored. Of an image, the responses of one
// orientation are in memory at a time, and backward computes them again.

#pragma once

#include "engine.h"
#include "fourier.h"
#include "lanes.h"
#include "selection.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr int kPhaseScales = 4;

template <class T>
class PhaseSteps {
 public:
  using V = Vector<T>;
  static constexpr int kLanes = Lanes<T>::count;

  // Null memory: only its size is asked for.
  PhaseSteps(const PhaseCongruency& job, void* memory)
      : job_(job), h_(job.height), w_(job.width), bands_((h_ + kLanes - 1) / kLanes), strips_((w_ + kLanes - 1) / kLanes) {
    const auto take = [&](int64_t vectors) {
      V* const from = memory ? (V*)((char*)memory + bytes_) : nullptr;
      bytes_ += vectors * (int64_t)sizeof(V);
      return from;
    };
    spectrum_ = take(plane());
    responses_ = take(kPhaseScales * 2 * map());
    if (job.upstream) {
      gradients_ = take(kPhaseScales * plane());
      sum_ = take(plane());
      weight_ = take(map());
      of_amplitude_ = take(map());
      above_ = (Mask<T>*)take(map());
    } else {
      energies_ = take(kOrientations * map());
      firsts_ = (Mask<T>*)take(kOrientations * map());
      amplitude_ = take(map());
    }
  }

  int64_t bytes() const { return bytes_; }

  // Working memory of a thread, in bytes.
  int64_t scratch() const {
    const int64_t rows = fourier_room(job_.along_rows), columns = fourier_room(job_.along_columns);
    return (room() + (rows > columns ? rows : columns)) * (int64_t)sizeof(V);
  }

  void run(int share, int shares, V* room) const {
    V* const transforms = room + this->room();
    const auto over = [&](int64_t count, auto work) {
      for (int64_t i = count * share / shares; i < count * (share + 1) / shares; i++) work(i);
    };
    switch (job_.step) {
      case kImageRows: return over(bands_, [&](int64_t band) { image_rows(band, room, transforms); });
      case kSpectrumColumns: return over(strips_, [&](int64_t strip) { fourier<T>(job_.along_columns, spectrum_at(spectrum_, strip), transforms); });
      case kResponseColumns: return over(strips_, [&](int64_t strip) { response_columns(strip, room, transforms); });
      case kEnergies: return over(bands_, [&](int64_t band) { energies(band, transforms); });
      case kNoise: return over(kOrientations, [&](int64_t orientation) { noise(orientation, (typename Keys<T>::Key*)room); });
      case kCongruency: return over(bands_, [&](int64_t band) { congruency(band); });
      case kUpstream: return over(bands_, [&](int64_t band) { upstream(band); });
      case kSlopes: return over(bands_, [&](int64_t band) { slopes(band, room, transforms); });
      case kGradientColumns: return over(strips_, [&](int64_t strip) { gradient_columns(strip, transforms); });
      case kSumColumns: return over(strips_, [&](int64_t strip) { fourier<T>(job_.along_columns, spectrum_at(sum_, strip), transforms); });
      case kGradientRows: return over(bands_, [&](int64_t band) { gradient_rows(band, room, transforms); });
    }
  }

 private:
  static constexpr int kOrientations = kPhaseOrientations;

  // Vectors of working memory of a thread, beside that of the transforms.
  int64_t room() const {
    const int64_t rows = 2 * kPhaseScales * w_, columns = 2 * h_, keys = map() / Keys<T>::kFew + 1;
    return rows > columns ? (rows > keys ? rows : keys) : (columns > keys ? columns : keys);
  }

  int64_t map() const { return bands_ * w_; }
  int64_t plane() const { return 2 * strips_ * bands_ * kLanes; }
  V* spectrum_at(V* planes, int64_t strip) const { return planes + 2 * strip * bands_ * kLanes; }
  V* responses_at(int scale, int64_t band) const { return responses_ + 2 * (scale * map() + band * w_); }
  int rows_of(int64_t band) const { return h_ - band * kLanes < kLanes ? (int)(h_ - band * kLanes) : kLanes; }
  int columns_of(int64_t strip) const { return w_ - strip * kLanes < kLanes ? (int)(w_ - strip * kLanes) : kLanes; }

  // Vectors of up to kLanes numbers of each of up to kLanes lines, the others 0, and transposed.
  INLINE void read_square(const T* from, int64_t stride, int lines, int count, V* square) const {
    for (int i = 0; i < kLanes; i++) {
      square[i] = V{};
      if (i < lines) __builtin_memcpy(&square[i], from + i * stride, count == kLanes ? sizeof(V) : count * sizeof(T));
    }
    transpose<T>(square);
  }

  template <class Row>
  INLINE void write_square(V* square, int lines, int64_t column, Row row) const {
    const int count = w_ - column < kLanes ? (int)(w_ - column) : kLanes;
    transpose<T>(square);
    for (int i = 0; i < lines; i++) row(i, (const T*)&square[i], count);
  }

  // A transformed line of a band to the spectrum, whose columns are then in order.
  INLINE void to_strips(const V* line, int64_t band, V* planes) const {
    const int32_t* place = job_.along_rows.place;
    for (int64_t strip = 0; strip < strips_; strip++) {
      const int columns = columns_of(strip);
      V* const to = spectrum_at(planes, strip) + 2 * band * kLanes;
      V re[kLanes], im[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) {
        const V* const from = line + 2 * place[strip * kLanes + (i < columns ? i : 0)];
        re[i] = from[0];
        im[i] = from[1];
      }
      transpose<T>(re);
      transpose<T>(im);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) {
        to[2 * i] = re[i];
        to[2 * i + 1] = im[i];
      }
    }
  }

  // A transformed line of a strip to the maps of pairs, whose rows are then in order.
  INLINE void to_bands(const V* line, int64_t strip, int64_t band, V* to) const {
    const int rows = rows_of(band), columns = columns_of(strip);
    const int32_t* place = job_.along_columns.place + band * kLanes;
    V re[kLanes], im[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) {
      const V* const from = line + 2 * place[i < rows ? i : 0];
      re[i] = from[0];
      im[i] = from[1];
    }
    transpose<T>(re);
    transpose<T>(im);
    to += 2 * strip * kLanes;
    for (int i = 0; i < columns; i++) {
      to[2 * i] = re[i];
      to[2 * i + 1] = im[i];
    }
  }

  // The filters of a strip of one orientation: vectors that lie `kPhaseGroup` numbers apart.
  const T* filter_of(int scale, int64_t strip) const {
    const int64_t groups = (w_ + kPhaseGroup - 1) / kPhaseGroup, column = strip * kLanes;
    const int64_t plane = (int64_t)(job_.orientation * kPhaseScales + scale) * groups;
    return (const T*)job_.filters + (plane + column / kPhaseGroup) * h_ * kPhaseGroup + column % kPhaseGroup;
  }

  void image_rows(int64_t band, V* room, V* transforms) const {
    const V unit = broadcast(T(1) / (T)(h_ * w_));
    for (int64_t strip = 0; strip < strips_; strip++) {
      const int columns = columns_of(strip);
      V square[kLanes];
      read_square((const T*)job_.image + band * kLanes * w_ + strip * kLanes, w_, rows_of(band), columns, square);
      for (int i = 0; i < columns; i++) {
        room[2 * (strip * kLanes + i)] = square[i] * unit;
        room[2 * (strip * kLanes + i) + 1] = V{};
      }
    }
    fourier<T>(job_.along_rows, room, transforms);
    to_strips(room, band, spectrum_);
  }

  // Real and imaginary parts of responses are exchanged, as the inverse transform needs them, until kEnergies or kSlopes read them.
  void response_columns(int64_t strip, V* room, V* transforms) const {
    const V* const spectrum = spectrum_at(spectrum_, strip);
    const int32_t* place = job_.along_columns.place;
    for (int s = 0; s < kPhaseScales; s++) {
      const T* filter = filter_of(s, strip);
      for (int64_t row = 0; row < h_; row++) {
        const V transfer = load(filter + row * kPhaseGroup), *from = spectrum + 2 * place[row];
        room[2 * row] = from[1] * transfer;
        room[2 * row + 1] = from[0] * transfer;
      }
      fourier<T>(job_.along_columns, room, transforms);
      for (int64_t band = 0; band < bands_; band++) to_bands(room, strip, band, responses_at(s, band));
    }
  }

  void transform_responses(int64_t band, V* transforms) const {
    for (int s = 0; s < kPhaseScales; s++) fourier<T>(job_.along_rows, responses_at(s, band), transforms);
  }

  struct Responses {
    V even[kPhaseScales], odd[kPhaseScales], all_even, all_odd;
    INLINE void read(const PhaseSteps& steps, int64_t band, int64_t place) {
      for (int s = 0; s < kPhaseScales; s++) {
        const V* const z = steps.responses_at(s, band) + 2 * place;
        odd[s] = z[0];
        even[s] = z[1];
      }
      all_even = (even[0] + even[1]) + (even[2] + even[3]);
      all_odd = (odd[0] + odd[1]) + (odd[2] + odd[3]);
    }
  };

  static INLINE V size_of(V v) { return choose<T>(v < V{}, -v, v); }

  void energies(int64_t band, V* transforms) const {
    transform_responses(band, transforms);
    const V epsilon = broadcast((T)job_.epsilon), tiny = broadcast((T)job_.tiny);
    V* const energy = energies_ + job_.orientation * map() + band * w_;
    Mask<T>* const first = firsts_ + job_.orientation * map() + band * w_;
    V* const amplitude = amplitude_ + band * w_;
    const Mask<T> positive = Keys<T>::kLargest - Mask<T>{}, inside = first_lanes<T>(rows_of(band));
    for (int64_t column = 0; column < w_; column++) {
      Responses z;
      z.read(*this, band, job_.along_rows.place[column]);
      V across{}, lengths = job_.orientation ? amplitude[column] : V{};
      for (int s = 0; s < kPhaseScales; s++) {
        across += size_of(z.odd[s] * z.all_even - z.even[s] * z.all_odd);
        const V length = root_of<T>(z.even[s] * z.even[s] + z.odd[s] * z.odd[s] + tiny);
        lengths += length;
        // Keys for the median: NaN, which may have a sign, comes last, and what is beyond the image as well.
        if (s == 0) first[column] = ((Mask<T>)length & positive & inside) | (positive & ~inside);
      }
      const V squares = z.all_even * z.all_even + z.all_odd * z.all_odd;
      energy[column] = (squares - across) / (root_of<T>(squares + tiny) + epsilon);
      amplitude[column] = lengths;
    }
  }

  // The noise of an orientation: its threshold from the median of the finest scale, and its derivatives.
  void noise(int64_t orientation, typename Keys<T>::Key* room) const {
    using Key = typename Keys<T>::Key;
    const int64_t count = h_ * w_;
    const Keys<T> keys = {firsts_ + orientation * map(), map()};
    const auto value_of = [](Key key) {
      T value;
      __builtin_memcpy(&value, &key, sizeof value);
      return (double)value;
    };
    const auto pixel_of = [&](Key key) {
      const int64_t i = keys.position_of(key), vector = i / kLanes;
      return (vector / w_ * kLanes + i % kLanes) * w_ + vector % w_;
    };
    const Key lower = keys.of_rank((count + 1) / 2, room);
    const bool middle = !job_.lower_median && count % 2 == 0;
    const Key upper = middle && keys.up_to(lower) == count / 2 ? keys.above(lower) : lower;
    const double l = value_of(lower), u = value_of(upper), factor = ((const T*)job_.factors)[orientation];
    const double median = middle ? __builtin_sqrt((l * l + u * u) / 2) : l;
    double* const found = job_.noise + orientation * kPhaseNoise;
    found[0] = factor * median;
    found[1] = (double)pixel_of(lower);
    found[2] = middle ? factor * l / (2 * median) : factor;
    found[3] = (double)pixel_of(upper);
    found[4] = middle ? factor * u / (2 * median) : 0;
  }

  void congruency(int64_t band) const {
    const V least = broadcast((T)job_.least);
    const int rows = rows_of(band);
    V thresholds[kOrientations];
    for (int o = 0; o < kOrientations; o++) thresholds[o] = broadcast((T)job_.noise[o * kPhaseNoise]);
    for (int64_t column = 0; column < w_; column += kLanes) {
      V found[kLanes], lengths[kLanes], above[kLanes];
      for (int i = 0; i < kLanes; i++) {
        V energy{};
        above[i] = lengths[i] = found[i] = V{};
        if (column + i >= w_) continue;
        const int64_t at = band * w_ + column + i;
        for (int o = 0; o < kOrientations; o++) {
          const V over = energies_[o * map() + at] - thresholds[o];
          const Mask<T> below = over <= V{};  // not NaN
          energy += keep<T>(over, ~below);
          above[i] += keep<T>(broadcast(T(1 << o)), ~below);
        }
        lengths[i] = amplitude_[at];
        found[i] = energy / (lengths[i] + least);
      }
      const auto to = [&](void* map) {
        return [=](int row, const T* numbers, int count) {
          __builtin_memcpy((T*)map + (band * kLanes + row) * w_ + column, numbers, count * sizeof(T));
        };
      };
      write_square(found, rows, column, to(job_.congruency));
      write_square(lengths, rows, column, to(job_.amplitude));
      write_square(above, rows, column, [&](int row, const T* numbers, int count) {
        uint8_t* const bits = job_.above + (band * kLanes + row) * w_ + column;
        for (int i = 0; i < count; i++) bits[i] = (uint8_t)numbers[i];
      });
    }
  }

  // Derivatives of the sums of energies and of amplitudes, and which energies count.
  void upstream(int64_t band) const {
    const V least = broadcast((T)job_.least);
    const int rows = rows_of(band);
    V sums[kOrientations] = {};
    for (int64_t column = 0; column < w_; column += kLanes) {
      const int count = w_ - column < kLanes ? (int)(w_ - column) : kLanes;
      const int64_t from = band * kLanes * w_ + column;
      V of_found[kLanes], lengths[kLanes], found[kLanes], bits[kLanes];
      read_square((const T*)job_.upstream + from, w_, rows, count, of_found);
      read_square((const T*)job_.amplitude + from, w_, rows, count, lengths);
      read_square((const T*)job_.congruency + from, w_, rows, count, found);
      T rows_of_bits[kLanes * kLanes] = {};
      for (int row = 0; row < rows; row++)
        for (int i = 0; i < count; i++) rows_of_bits[row * kLanes + i] = (T)job_.above[from + row * w_ + i];
      read_square(rows_of_bits, kLanes, kLanes, kLanes, bits);
      for (int i = 0; i < count; i++) {
        const int64_t at = band * w_ + column + i;
        weight_[at] = of_found[i] / (lengths[i] + least);
        of_amplitude_[at] = -weight_[at] * found[i];
        for (int lane = 0; lane < kLanes; lane++) above_[at][lane] = (typename Lanes<T>::Integer)bits[i][lane];
        for (int o = 0; o < kOrientations; o++) sums[o] += keep<T>(weight_[at], counts(above_[at], o));
      }
    }
    for (int o = 0; o < kOrientations; o++) {
      double sum = 0;
      for (int lane = 0; lane < kLanes; lane++) sum += sums[o][lane];
      job_.band_sums[band * kOrientations + o] = sum;
    }
  }

  // Whether the energy of an orientation is above its noise.
  static INLINE Mask<T> counts(Mask<T> bits, int orientation) { return -(bits >> orientation & 1); }

  void slopes(int64_t band, V* room, V* transforms) const {
    transform_responses(band, transforms);
    const V epsilon = broadcast((T)job_.epsilon), tiny = broadcast((T)job_.tiny);
    const int32_t* place = job_.along_rows.place;
    for (int64_t column = 0; column < w_; column++) {
      const int64_t at = band * w_ + column;
      const V of_energy = keep<T>(weight_[at], counts(above_[at], job_.orientation)), of_amplitude = of_amplitude_[at];
      Responses z;
      z.read(*this, band, place[column]);
      V turned[kPhaseScales], across{};
      for (int s = 0; s < kPhaseScales; s++) {
        turned[s] = z.odd[s] * z.all_even - z.even[s] * z.all_odd;
        across += size_of(turned[s]);
      }
      const V squares = z.all_even * z.all_even + z.all_odd * z.all_odd, length = root_of<T>(squares + tiny), over = 1 / (length + epsilon);
      const V energy = (squares - across) * over, of_across = -of_energy * over;
      const V of_squares = of_energy * over * (1 - energy / (2 * length));
      V of_all_even = 2 * of_squares * z.all_even, of_all_odd = 2 * of_squares * z.all_odd;
      for (int s = 0; s < kPhaseScales; s++) {
        turned[s] = choose<T>(turned[s] > V{}, of_across, keep<T>(-of_across, turned[s] < V{}));
        of_all_even += turned[s] * z.odd[s];
        of_all_odd -= turned[s] * z.even[s];
      }
      for (int s = 0; s < kPhaseScales; s++) {
        const V slope = of_amplitude / root_of<T>(z.even[s] * z.even[s] + z.odd[s] * z.odd[s] + tiny);
        V* const to = room + 2 * (s * w_ + column);
        to[0] = of_all_even - turned[s] * z.all_odd + slope * z.even[s];
        to[1] = of_all_odd + turned[s] * z.all_even + slope * z.odd[s];
      }
    }
    // What the threshold depends on: one or two amplitudes of the finest scale.
    const double* const noise = job_.noise + job_.orientation * kPhaseNoise;
    for (int k = 1; k < kPhaseNoise; k += 2) {
      const int64_t row = (int64_t)noise[k] / w_, column = (int64_t)noise[k] % w_, lane = row % kLanes;
      if (row / kLanes != band) continue;
      const V* const z = responses_at(0, band) + 2 * place[column];
      const T odd = z[0][lane], even = z[1][lane];
      const T slope = (T)(-job_.of_energies[job_.orientation] * noise[k + 1]) / square_root(even * even + odd * odd + (T)job_.tiny);
      room[2 * column][lane] += slope * even;
      room[2 * column + 1][lane] += slope * odd;
    }
    for (int s = 0; s < kPhaseScales; s++) {
      V* const line = room + 2 * s * w_;
      fourier<T>(job_.along_rows, line, transforms);
      to_strips(line, band, gradients_ + s * plane());
    }
  }

  // Adds the spectra of gradients, each under its filter, with both parts exchanged for the inverse transform.
  void gradient_columns(int64_t strip, V* transforms) const {
    const int32_t* place = job_.along_columns.place;
    const V* lines[kPhaseScales];
    const T* filters[kPhaseScales];
    for (int s = 0; s < kPhaseScales; s++) {
      V* const line = spectrum_at(gradients_ + s * plane(), strip);
      fourier<T>(job_.along_columns, line, transforms);
      lines[s] = line;
      filters[s] = filter_of(s, strip);
    }
    V* const sum = spectrum_at(sum_, strip);
    for (int64_t row = 0; row < h_; row++) {
      V re{}, im{};
      for (int s = 0; s < kPhaseScales; s++) {
        const V transfer = load(filters[s] + row * kPhaseGroup), *from = lines[s] + 2 * place[row];
        re += from[0] * transfer;
        im += from[1] * transfer;
      }
      sum[2 * row] = job_.orientation ? sum[2 * row] + im : im;
      sum[2 * row + 1] = job_.orientation ? sum[2 * row + 1] + re : re;
    }
  }

  void gradient_rows(int64_t band, V* room, V* transforms) const {
    for (int64_t strip = 0; strip < strips_; strip++) to_bands(spectrum_at(sum_, strip), strip, band, room);
    fourier<T>(job_.along_rows, room, transforms);
    const int32_t* place = job_.along_rows.place;
    const V unit = broadcast(T(1) / (T)(h_ * w_));
    for (int64_t column = 0; column < w_; column += kLanes) {
      V square[kLanes];
      for (int i = 0; i < kLanes; i++) square[i] = column + i < w_ ? room[2 * place[column + i] + 1] * unit : V{};
      write_square(square, rows_of(band), column, [&](int row, const T* numbers, int count) {
        __builtin_memcpy((T*)job_.gradient + (band * kLanes + row) * w_ + column, numbers, count * sizeof(T));
      });
    }
  }

  const PhaseCongruency& job_;
  const int64_t h_, w_, bands_, strips_;
  V *spectrum_ = nullptr, *responses_ = nullptr;
  V *energies_ = nullptr, *amplitude_ = nullptr;  // forward
  Mask<T>* firsts_ = nullptr;
  V *gradients_ = nullptr, *sum_ = nullptr, *weight_ = nullptr, *of_amplitude_ = nullptr;  // backward
  Mask<T>* above_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
