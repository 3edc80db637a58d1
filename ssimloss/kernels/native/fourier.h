// Discrete Fourier transforms along one dimension, of as many rows or columns as a vector has lanes.
//
// A line holds pairs of vectors, real and imaginary parts. It is transformed in place, stage by stage (decimation in frequency), so that the
// frequency k ends at place[k]. The inverse is the same with both parts exchanged before and after.
//
// Lengths with a prime factor above 7 are transformed by a convolution with a chirp (Bluestein 1970): j k = (j^2 + k^2 - (k - j)^2) / 2.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// (re + i im)(factor[0] + i factor[1])
template <class T>
INLINE void multiply(Vector<T>& re, Vector<T>& im, const T* factor) {
  const Vector<T> c = broadcast(factor[0]), s = broadcast(factor[1]), product = re * c - im * s;
  im = re * s + im * c;
  re = product;
}

// The transform of R numbers. `roots` are exp(-2 pi i k / R).
template <class T, int R>
struct Butterfly {  // of an odd prime: sums and differences of the numbers k and R - k, which have conjugate factors
  static INLINE void at(Vector<T>* re, Vector<T>* im, const T* roots) {
    constexpr int kHalf = R / 2;
    Vector<T> sum_re[kHalf], sum_im[kHalf], off_re[kHalf], off_im[kHalf];
    const Vector<T> first_re = re[0], first_im = im[0];
#pragma GCC unroll 8
    for (int k = 0; k < kHalf; k++) {
      sum_re[k] = re[k + 1] + re[R - 1 - k];
      sum_im[k] = im[k + 1] + im[R - 1 - k];
      off_re[k] = re[k + 1] - re[R - 1 - k];
      off_im[k] = im[k + 1] - im[R - 1 - k];
      re[0] += sum_re[k];
      im[0] += sum_im[k];
    }
#pragma GCC unroll 8
    for (int j = 1; j <= kHalf; j++) {
      Vector<T> even_re = first_re, even_im = first_im, odd_re{}, odd_im{};
#pragma GCC unroll 8
      for (int k = 0; k < kHalf; k++) {
        const Vector<T> c = broadcast(roots[2 * (j * (k + 1) % R)]), s = broadcast(roots[2 * (j * (k + 1) % R) + 1]);
        even_re += c * sum_re[k];
        even_im += c * sum_im[k];
        odd_re += s * off_re[k];
        odd_im += s * off_im[k];
      }
      re[j] = even_re - odd_im;
      im[j] = even_im + odd_re;
      re[R - j] = even_re + odd_im;
      im[R - j] = even_im - odd_re;
    }
  }
};

template <class T>
struct Butterfly<T, 2> {
  static INLINE void at(Vector<T>* re, Vector<T>* im, const T*) {
    const Vector<T> off_re = re[0] - re[1], off_im = im[0] - im[1];
    re[0] += re[1];
    im[0] += im[1];
    re[1] = off_re;
    im[1] = off_im;
  }
};

template <class T>
struct Butterfly<T, 4> {
  static INLINE void at(Vector<T>* re, Vector<T>* im, const T*) {
    const Vector<T> a_re = re[0] + re[2], a_im = im[0] + im[2], b_re = re[0] - re[2], b_im = im[0] - im[2];
    const Vector<T> c_re = re[1] + re[3], c_im = im[1] + im[3], d_re = re[1] - re[3], d_im = im[1] - im[3];
    re[0] = a_re + c_re;
    im[0] = a_im + c_im;
    re[1] = b_re + d_im;
    im[1] = b_im - d_re;
    re[2] = a_re - c_re;
    im[2] = a_im - c_im;
    re[3] = b_re - d_im;
    im[3] = b_im + d_re;
  }
};

// One stage: each of the blocks of `size` numbers becomes R blocks. The factors of the last stage, whose blocks are of one number, are 1.
template <class T, int R, bool LAST>
__attribute__((noinline)) void fourier_stage(Vector<T>* line, int64_t length, int64_t size, const T* factors) {
  const int64_t part = size / R;
  for (int64_t block = 0; block < length; block += size) {
    const T* factor = factors + 2 * R;
    for (int64_t j = 0; j < part; j++) {
      Vector<T>* const at = line + 2 * (block + j);
      Vector<T> re[R], im[R];
#pragma GCC unroll 8
      for (int k = 0; k < R; k++) {
        re[k] = at[2 * k * part];
        im[k] = at[2 * k * part + 1];
      }
      Butterfly<T, R>::at(re, im, factors);
#pragma GCC unroll 8
      for (int k = 0; k < R; k++) {
        if (!LAST && k) {
          multiply<T>(re[k], im[k], factor);
          factor += 2;
        }
        at[2 * k * part] = re[k];
        at[2 * k * part + 1] = im[k];
      }
    }
  }
}

template <class T, int R>
INLINE void fourier_stage(Vector<T>* line, int64_t length, int64_t size, const T* factors) {
  size == R ? fourier_stage<T, R, true>(line, length, size, factors) : fourier_stage<T, R, false>(line, length, size, factors);
}

template <class T>
void fourier_stages(const Fourier& job, Vector<T>* line) {
  int64_t size = job.length;
  const T* factors = (const T*)job.factors;
  for (int i = 0; i < job.stages; i++) {
    const int radix = job.radices[i];
    switch (radix) {
      case 2: fourier_stage<T, 2>(line, job.length, size, factors); break;
      case 3: fourier_stage<T, 3>(line, job.length, size, factors); break;
      case 4: fourier_stage<T, 4>(line, job.length, size, factors); break;
      case 5: fourier_stage<T, 5>(line, job.length, size, factors); break;
      case 7: fourier_stage<T, 7>(line, job.length, size, factors); break;
    }
    size /= radix;
    factors += 2 * (radix + (radix - 1) * size);
  }
}

// Vectors of working memory.
INLINE int64_t fourier_room(const Fourier& job) { return job.padded ? 4 * job.padded->length : 0; }

template <class T>
void fourier(const Fourier& job, Vector<T>* line, Vector<T>* room) {
  if (!job.padded) return fourier_stages<T>(job, line);
  const Fourier& padded = *job.padded;
  const T *chirp = (const T*)job.factors, *response = (const T*)job.response;
  Vector<T>*spectrum = room, *product = room + 2 * padded.length;
  for (int64_t j = 0; j < 2 * padded.length; j++) spectrum[j] = j < 2 * job.length ? line[j] : Vector<T>{};
  for (int64_t j = 0; j < job.length; j++) multiply<T>(spectrum[2 * j], spectrum[2 * j + 1], chirp + 2 * j);
  fourier_stages<T>(padded, spectrum);
  for (int64_t k = 0; k < padded.length; k++) {
    const int64_t from = 2 * padded.place[k];
    multiply<T>(spectrum[from], spectrum[from + 1], response + 2 * k);
    product[2 * k] = spectrum[from + 1];  // exchanged: the inverse follows
    product[2 * k + 1] = spectrum[from];
  }
  fourier_stages<T>(padded, product);
  for (int64_t k = 0; k < job.length; k++) {
    const int64_t from = 2 * padded.place[k];
    line[2 * k] = product[from + 1];
    line[2 * k + 1] = product[from];
    multiply<T>(line[2 * k], line[2 * k + 1], chirp + 2 * k);
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
