// What FAISS calls of BLAS and LAPACK, from OpenBLAS, which is loaded at the first call: its
// thousands of symbols and its waiting threads would cost every command time at its start, and few
// commands need it. All arguments are pointers, as Fortran's are.
#include "base/loaded_library.h"

namespace {

// FAISS passes on what it throws.
void* Find(const char* name) {
  static const arena::LoadedLibrary library("libopenblas.so.0", "libopenblas0");
  return library.Find(name);
}

using In = const void*;
using Out = void*;

template <typename... Arguments>
int Call(const char* name, Arguments... arguments) {
  return reinterpret_cast<int (*)(Arguments...)>(Find(name))(arguments...);
}

}  // namespace

#pragma GCC visibility push(hidden)
extern "C" {

int sgemm_(In trans_a, In trans_b, In m, In n, In k, In alpha, In a, In lda, In b, In ldb, In beta,
           Out c, In ldc) {
  return Call(__func__, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

int dgemm_(In trans_a, In trans_b, In m, In n, In k, In alpha, In a, In lda, In b, In ldb, In beta,
           Out c, In ldc) {
  return Call(__func__, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

int ssyrk_(In uplo, In trans, In n, In k, In alpha, In a, In lda, In beta, Out c, In ldc) {
  return Call(__func__, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
}

int sgeqrf_(In m, In n, Out a, In lda, Out tau, Out work, In lwork, Out info) {
  return Call(__func__, m, n, a, lda, tau, work, lwork, info);
}

int sorgqr_(In m, In n, In k, Out a, In lda, In tau, Out work, In lwork, Out info) {
  return Call(__func__, m, n, k, a, lda, tau, work, lwork, info);
}

int dsyev_(In jobz, In uplo, In n, Out a, In lda, Out w, Out work, In lwork, Out info) {
  return Call(__func__, jobz, uplo, n, a, lda, w, work, lwork, info);
}

int sgesvd_(In jobu, In jobvt, In m, In n, Out a, In lda, Out s, Out u, In ldu, Out vt, In ldvt,
            Out work, In lwork, Out info) {
  return Call(__func__, jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, info);
}

int dgesvd_(In jobu, In jobvt, In m, In n, Out a, In lda, Out s, Out u, In ldu, Out vt, In ldvt,
            Out work, In lwork, Out info) {
  return Call(__func__, jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, info);
}

}  // extern "C"
#pragma GCC visibility pop
