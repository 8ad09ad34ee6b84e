using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// Role <c>fetch</c>: <c>zeroos fetch DESCRIPTOR</c> speaks with registries, <c>zeroos fetch --convert DESCRIPTOR</c> is its twin that decompresses. Both
/// are born in a jail, know nothing but what comes over the socket, and end when it closes (docs/architecture.md).
/// </summary>
public static class FetchRole
{
    /// <summary>Serves until the node closes its end. <paramref name="arguments"/> are those after "fetch". 0, or 2 when they are wrong.</summary>
    public static int Run(IReadOnlyList<string> arguments)
    {
        bool convert = arguments.Count == 2 && arguments[0] == "--convert";
        if ((!convert && arguments.Count != 1) || !int.TryParse(arguments[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return 2;
        using SeqPacketSocket node = new(new FileDescriptor(number));
        if (convert)
            ProcessSandbox.Seal("convert", FetchCalls.Convert(CurrentThread.ProcessId));
        else
            ProcessSandbox.Seal("fetch", FetchCalls.Registry(CurrentThread.ProcessId));
        Serve(node, convert);
        return 0;
    }

    /// <summary>Serves one socket on the calling thread until the node closes its end.</summary>
    internal static void Serve(SeqPacketSocket node, bool convert)
    {
        if (convert)
            new ConvertServer(node).Run();
        else
            new RegistryServer(node).Run();
    }
}
