using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Linux.Abi;

/// <summary>The C compiler as a judge: it refuses a program in which one of our numbers is not that of the C headers.</summary>
internal static class CCompiler
{
    /// <summary>Holds every value against its C expression; skips the test where there is no compiler.</summary>
    /// <param name="headers">What to include, as in &lt;angle brackets&gt;.</param>
    /// <param name="facts">Integer constant expressions with the values they must have.</param>
    public static void Hold(IEnumerable<string> headers, IEnumerable<(string Expression, long Value)> facts)
    {
        Skip.IfNot(File.Exists("/usr/bin/gcc") && File.Exists("/usr/include/linux/kvm.h"), "no C compiler, or no kernel headers");
        StringBuilder program = new("#define _GNU_SOURCE\n#include <stddef.h>\n");
        foreach (string header in headers)
            program.Append(CultureInfo.InvariantCulture, $"#include <{header}>\n");
        foreach ((string expression, long value) in facts)
            program.Append(CultureInfo.InvariantCulture, $"_Static_assert((long long)({expression}) == {value}LL, \"{expression} is not {value}\");\n");
        string file = Path.Combine(Path.GetTempPath(), $"zeroos-abi-{Guid.NewGuid():N}.c");
        try
        {
            File.WriteAllText(file, program.ToString());
            ProgramRun.Of("/usr/bin/gcc", "-fsyntax-only", file).Succeeded();
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The size of a structure and the places of its fields, as facts about the C type.</summary>
    /// <param name="structure">Ours, without padding of its own by name: fields named pad…, resv… and __… are not looked up.</param>
    /// <param name="name">The C type.</param>
    /// <param name="nameOf">C names of fields whose names differ, null for those to leave out.</param>
    public static IEnumerable<(string Expression, long Value)> Layout(Type structure, string name, Func<string, string?>? nameOf = null)
    {
        MethodInfo size = typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(structure);
        yield return ($"sizeof({name})", (int)size.Invoke(null, null)!);
        foreach (FieldInfo field in structure.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            // Tmds.LibC has some fields as properties.
            string ours = field.Name.Replace("<", "", StringComparison.Ordinal).Replace(">k__BackingField", "", StringComparison.Ordinal);
            if (((string[])["__", "pad", "resv"]).Any(padding => ours.StartsWith(padding, StringComparison.Ordinal)))
                continue;
            if ((nameOf is null ? ours : nameOf(ours)) is { } c)
                yield return ($"offsetof({name}, {c.TrimStart('_')})", Marshal.OffsetOf(structure, field.Name));
        }
    }
}
