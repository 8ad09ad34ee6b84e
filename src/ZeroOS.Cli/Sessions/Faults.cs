using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Flist;
using ZeroOS.Media;
using ZeroOS.Oci;
using ZeroOS.Oci.Registry;
using ZeroOS.Trees;

namespace ZeroOS.Cli.Sessions;

/// <summary>What goes wrong, as a sentence and an exit code.</summary>
internal static class Faults
{
    public static (string Message, int Code) Explain(Exception exception) => exception switch
    {
        CliException e => (e.Message, e.ExitCode),
        MediaException e => (e.Message, e.IsUsage ? CliException.Usage : CliException.Refused),
        ClientException e => (e.Message, e.IsUsage ? CliException.Usage : CliException.Refused),
        BusErrorException e => (Explain(e.Error), CliException.Refused),
        SpoofedReplyException e => ($"nothing of the answer is believed: {e.Message}", CliException.Refused),
        TimeoutException or BusTransportException or RegistryException or FlistBuildException or FlistFormatException or InvalidDataException or FormatException
            or TreeException or IOException or UnauthorizedAccessException => (exception.Message, CliException.Refused),
        OperationCanceledException => ("interrupted", CliException.Interrupted),
        _ => ($"a fault of zos itself ({exception.GetType().Name}: {exception.Message}); please report it with --verbose", CliException.Refused),
    };

    private static string Explain(BusError error)
    {
        string where = error.Path is null ? "" : $" at {error.Path}";
        string again = error.Retryable ? "; the same again may succeed later" : "";
        return $"the node refuses{where}: {error.Message} ({error.Code}{again})";
    }
}
