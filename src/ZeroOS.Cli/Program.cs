using ZeroOS.Cli.Output;

namespace ZeroOS.Cli;

internal static class Program
{
    private static Task<int> Main(string[] args) => CommandLine.RunAsync(args, Terminal.OfThisProcess());
}
