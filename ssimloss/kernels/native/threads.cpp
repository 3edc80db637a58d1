// Threads: those that PyTorch already has.
//
// After an operation PyTorch's OpenMP threads spin for some milliseconds, waiting for the next. Threads of our own would have to share the
// processors with them, which costs more than the work itself. So the runtime that libtorch has loaded is looked up in the process and
// asked to run ours; nothing is linked against it. Where there is none, threads are started and joined for the call.

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <dlfcn.h>
#include <pthread.h>
#endif

#include "engine.h"

namespace ssimloss {
namespace {

struct OpenMP {
  void (*parallel)(void (*)(void*), void*, unsigned, unsigned) = nullptr;
  int (*thread)() = nullptr;
  int (*threads)() = nullptr;
};

// The threads of a parent process do not exist in its child, and OpenMP would wait for them.
std::atomic<bool> forked{false};
#if !defined(_WIN32)
const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });  // when the library is loaded, in the parent
#endif

OpenMP find_runtime() {
  OpenMP found;
#if !defined(_WIN32)
#if defined(__APPLE__)
  const char* const torch = "libtorch_cpu.dylib";
#else
  const char* const torch = "libtorch_cpu.so";
#endif
  const auto found_in = [&](void* where) {
    found.parallel = (decltype(found.parallel))dlsym(where, "GOMP_parallel");
    found.thread = (decltype(found.thread))dlsym(where, "omp_get_thread_num");
    found.threads = (decltype(found.threads))dlsym(where, "omp_get_num_threads");
    return found.parallel && found.thread && found.threads;
  };
  void* const library = dlopen(torch, RTLD_LAZY | RTLD_NOLOAD);  // a handle searches the library and what it depends on
  if (library && found_in(library)) return found;
  if (found_in(RTLD_DEFAULT)) return found;
#endif
  return OpenMP();
}

const OpenMP& runtime() {
  static const OpenMP found = find_runtime();
  return found;
}

struct Region {
  Body body;
  void* argument;
};

void run_share(void* argument) {
  const Region& region = *(const Region*)argument;
  region.body(region.argument, runtime().thread(), runtime().threads());
}

void on_own_threads(int threads, Body body, void* argument) {
  std::vector<std::thread> others;
  int next = 1;
  try {
    others.reserve(threads);
    for (; next < threads; next++) others.emplace_back(body, argument, next, threads);
  } catch (const std::system_error&) {  // no more threads to be had: this one does the rest
  }
  body(argument, 0, threads);
  for (; next < threads; next++) body(argument, next, threads);
  for (std::thread& other : others) other.join();
}

}  // namespace

void parallel(int threads, Body body, void* argument) {
  const OpenMP& openmp = runtime();
  if (threads <= 1 || forked) {
    body(argument, 0, 1);
  } else if (openmp.parallel) {
    Region region = {body, argument};
    openmp.parallel(run_share, &region, (unsigned)threads, 0);
  } else {
    on_own_threads(threads, body, argument);
  }
}

const char* describe_threads() {
  if (runtime().parallel) return "PyTorch's OpenMP threads";
  return "threads of its own (no OpenMP runtime was found in the process)";
}

}  // namespace ssimloss
