using System.Text.Json;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Flist;
using ZeroOS.Oci;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Docker.Http;

/// <summary>What goes wrong, in Docker's status codes.</summary>
internal static class Faults
{
    /// <summary>Whether the exception is a refusal or a failure that a client can be told; others are faults of this program.</summary>
    public static DockerFault Explain(Exception exception) => exception switch
    {
        DockerFault e => e,
        BusErrorException e => new DockerFault(StatusOf(e.Error.Code), e.Error.Path is null ? e.Message : $"{e.Message} (at {e.Error.Path})"),
        SessionException { Reason: SessionCloseReason.NotFound } e => DockerFault.Missing(e.Message),
        SessionException { Reason: SessionCloseReason.Refused or SessionCloseReason.OverCapacity } e => DockerFault.Conflict(e.Message),
        SpoofedReplyException e => new DockerFault(502, $"nothing of the node's answer is believed: {e.Message}"),
        BusTransportException e => new DockerFault(502, e.Message),
        RegistryException { Failure: RegistryFailure.NotFound } e => DockerFault.Missing(e.Message),
        RegistryException { Failure: RegistryFailure.Denied } e => new DockerFault(403, e.Message),
        ClientException or RegistryException or FlistBuildException or FlistFormatException or SessionException or IOException
            => new DockerFault(500, exception.Message),
        JsonException e => DockerFault.Bad($"the body is no JSON as Docker writes it: {e.Message}"),
        _ => new DockerFault(500, $"a fault of zos itself ({exception.GetType().Name}: {exception.Message})"),
    };

    private static int StatusOf(string code) => code switch
    {
        ErrorCodes.Invalid => 400,
        ErrorCodes.Denied => 403,
        ErrorCodes.NotFound => 404,
        ErrorCodes.Conflict => 409,
        ErrorCodes.Busy or ErrorCodes.Unavailable => 503,
        _ => 500,
    };
}
