# Zephyr's CMake package as far as the Moddable SDK's generated CMakeLists.txt asks for it, without a
# compiler: enough to build the target generated_files, which is tsc, xsc, xsid, mcrez and xsl.
foreach(name include_directories system_include_directories compile_definitions compile_options)
  cmake_language(EVAL CODE "
    function(zephyr_get_${name}_for_lang_as_string)
    endfunction()")
endforeach()
foreach(name sources compile_definitions compile_options include_directories add_dependencies)
  cmake_language(EVAL CODE "
    function(zephyr_library_${name})
    endfunction()")
endforeach()
