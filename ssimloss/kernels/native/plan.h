// What a discrete Fourier transform of one length needs: its stages, its factors, and where frequencies end; see fourier.h.

#pragma once

#include <cmath>
#include <complex>
#include <memory>
#include <vector>

#include "engine.h"

namespace ssimloss {
namespace {

constexpr double kPi = 3.14159265358979323846;

class FourierPlan {
 public:
  FourierPlan(int64_t length, bool is_double) : job_{}, place_(length) {
    job_.length = length;
    for (int radix : {4, 2, 3, 5, 7})
      for (; length % radix == 0; length /= radix) job_.radices[job_.stages++] = radix;
    std::vector<Number> factors, response;
    if (length == 1) {
      factors = factors_of_stages();
      find_places();
    } else {
      plan_chirp(factors, response, is_double);
    }
    job_.factors = store(factors, factors_, is_double);
    job_.response = store(response, response_, is_double);
    job_.place = place_.data();
  }
  FourierPlan(const FourierPlan&) = delete;
  FourierPlan& operator=(const FourierPlan&) = delete;

  const Fourier& job() const { return job_; }

 private:
  using Number = std::complex<double>;

  // exp(-2 pi i k / n), of a k that may be large
  static Number root(int64_t k, int64_t n) { return std::polar(1.0, -2 * kPi * (double)(k % n) / (double)n); }

  // Of each stage: the roots of its radix, and the factors of the 2nd to last part of a block.
  std::vector<Number> factors_of_stages() const {
    std::vector<Number> factors;
    int64_t size = job_.length;
    for (int i = 0; i < job_.stages; i++) {
      const int radix = job_.radices[i];
      for (int k = 0; k < radix; k++) factors.push_back(root(k, radix));
      for (int64_t j = 0; j < size / radix; j++)
        for (int k = 1; k < radix; k++) factors.push_back(root(j * k, size));
      size /= radix;
    }
    return factors;
  }

  // The last digit of a frequency is the first of its place.
  void find_places() {
    for (int64_t k = 0; k < job_.length; k++) {
      int64_t rest = k, size = job_.length;
      for (int i = 0; i < job_.stages; i++) {
        size /= job_.radices[i];
        place_[k] += (int32_t)(rest % job_.radices[i] * size);
        rest /= job_.radices[i];
      }
    }
  }

  void plan_chirp(std::vector<Number>& chirp, std::vector<Number>& response, bool is_double) {
    const int64_t n = job_.length;
    int64_t padded = 1;
    while (padded < 2 * n - 1) padded *= 2;
    padded_.reset(new FourierPlan(padded, is_double));
    job_.padded = &padded_->job();
    response.resize(padded);
    for (int64_t j = 0; j < n; j++) {
      place_[j] = (int32_t)j;
      chirp.push_back(root(j * j, 2 * n));
      response[j] = response[(padded - j) % padded] = std::conj(chirp[j]) / (double)padded;
    }
    transform(response.data(), padded);
  }

  // The transform of a power of 2 of numbers.
  static void transform(Number* numbers, int64_t count) {
    if (count == 1) return;
    std::vector<Number> even(count / 2), odd(count / 2);
    for (int64_t j = 0; j < count / 2; j++) {
      even[j] = numbers[2 * j];
      odd[j] = numbers[2 * j + 1];
    }
    transform(even.data(), count / 2);
    transform(odd.data(), count / 2);
    for (int64_t k = 0; k < count / 2; k++) {
      const Number turned = root(k, count) * odd[k];
      numbers[k] = even[k] + turned;
      numbers[k + count / 2] = even[k] - turned;
    }
  }

  static const void* store(const std::vector<Number>& from, std::vector<double>& to, bool is_double) {
    to.resize(2 * from.size());  // of float or double
    for (size_t i = 0; i < to.size(); i++) set_number(to.data(), (int64_t)i, is_double, i % 2 ? from[i / 2].imag() : from[i / 2].real());
    return to.data();
  }

  Fourier job_;
  std::vector<int32_t> place_;
  std::vector<double> factors_, response_;
  std::unique_ptr<FourierPlan> padded_;
};

}  // namespace
}  // namespace ssimloss
