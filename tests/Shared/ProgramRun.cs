using System.Diagnostics;

namespace ZeroOS.Tests.Shared;

/// <summary>A program of this computer that ran to its end.</summary>
/// <param name="Command">Its name and arguments.</param>
/// <param name="Code">Its exit code; 128 and the signal's number if it died of one.</param>
/// <param name="Output">What it wrote to its standard output.</param>
/// <param name="Error">What it wrote to its standard error.</param>
internal sealed record ProgramRun(string Command, int Code, string Output, string Error)
{
    /// <summary>Output, and then errors.</summary>
    public string Said => Output + Error;

    /// <summary>Runs a program in the namespaces of the calling thread.</summary>
    public static ProgramRun Of(string program, params IEnumerable<string> arguments) => Of(new ProcessStartInfo(program, arguments));

    /// <summary>Runs a program, with an input if it is given one.</summary>
    public static ProgramRun Of(ProcessStartInfo start, byte[]? input = null)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (input is not null)
            process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ProgramRun(string.Join(' ', [start.FileName, .. start.ArgumentList]), process.ExitCode, output, error.Result);
    }

    /// <summary>The run itself; the test fails unless it ended with exit code 0.</summary>
    public ProgramRun Succeeded()
    {
        Assert.True(Code == 0, $"{Command}: exit code {Code}: {Said}");
        return this;
    }

    public void Deconstruct(out int code, out string said) => (code, said) = (Code, Said);
}
