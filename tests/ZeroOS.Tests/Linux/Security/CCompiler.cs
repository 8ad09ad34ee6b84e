using System.Diagnostics;

namespace ZeroOS.Tests.Linux.Security;

/// <summary>The C compiler as a judge of constants.</summary>
internal static class CCompiler
{
    /// <summary>What it says about a source; false when there is none.</summary>
    internal static bool TryCheck(string source, out string errors)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, source);
            using Process compiler = Process.Start(new ProcessStartInfo("cc", ["-fsyntax-only", "-x", "c", file]) { RedirectStandardError = true })!;
            errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            return true;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            errors = "no C compiler";
            return false;
        }
        finally
        {
            File.Delete(file);
        }
    }
}
