using System.CommandLine;

namespace ZeroOS.Cli.Sessions;

/// <summary>Options every command understands.</summary>
internal static class Globals
{
    public static readonly Option<string?> Node = new("--node")
    {
        Recursive = true,
        HelpName = "NAME|KEYID@HOST",
        Description = "which node (default: ZOS_NODE, or the only one known)",
    };

    public static readonly Option<string?> Key = new("--key")
    {
        Recursive = true,
        HelpName = "FILE",
        Description = "whose key (default: key in the configuration folder)",
    };

    public static readonly Option<double?> Timeout = new("--timeout")
    {
        Recursive = true,
        HelpName = "SECONDS",
        Description = "give up after that (default 30; streams and waiting: never)",
    };

    public static readonly Option<bool> Json = new("--json") { Recursive = true, Description = "JSON: one object, or one a line for streams" };

    public static readonly Option<bool> Verbose = new("--verbose") { Recursive = true, Description = "more about what went wrong" };

    public static readonly Option<string[]> Registry = new("--registry")
    {
        Recursive = true,
        HelpName = "NAME=URL",
        Description = "where the registry of that name is for this machine",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    public static readonly Option[] All = [Node, Key, Timeout, Json, Verbose, Registry];
}
