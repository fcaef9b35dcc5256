// SPDX-License-Identifier: BSD-3-Clause
#include <iostream>

int main()
{
    std::cout << "Hello from C++" << std::endl;
    return 0;
}
