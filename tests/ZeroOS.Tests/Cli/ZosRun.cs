using System.Text;

using Xunit;

using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Cli;

/// <summary>zos, run to its end inside the test as a person without a terminal runs it.</summary>
internal sealed record ZosRun(int Code, string Out, string Error)
{
    private string _command = "zos";

    /// <summary>Runs it with a configuration folder; null: no command of it needs one.</summary>
    public static Task<ZosRun> OfAsync(string? configuration, params string[] args) => WithInputAsync(configuration, Stream.Null, null, args);

    /// <summary>As above, with something to read, which may be a terminal.</summary>
    public static async Task<ZosRun> WithInputAsync(string? configuration, Stream input, FileDescriptor? keyboard, params string[] args)
    {
        StringWriter output = new(), error = new();
        using MemoryStream raw = new(), rawError = new();
        if (configuration is not null)
            Environment.SetEnvironmentVariable("ZOS_CONFIG", configuration);
        int code = await CommandLine.RunAsync(args,
            new Terminal(output, error, raw, rawError, interactive: false, _ => null) { RawIn = input, Keyboard = keyboard });
        return new ZosRun(code, output + Encoding.UTF8.GetString(raw.ToArray()), error + Encoding.UTF8.GetString(rawError.ToArray()))
        {
            _command = $"zos {string.Join(' ', args)}",
        };
    }

    /// <summary>The run itself; the test fails unless it ended with this exit code.</summary>
    public ZosRun Ended(int code)
    {
        Assert.True(Code == code, $"{_command}: {Code} instead of {code}: {Error}{Out}");
        return this;
    }
}
