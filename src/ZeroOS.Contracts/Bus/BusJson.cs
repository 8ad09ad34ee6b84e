using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Contracts.Bus;

/// <summary>JSON of everything that travels on the bus. Strict: unmapped members, missing required members and nulls are refused; the duplicate-name
/// pass is <c>ZeroOS.Bus.StrictJson</c>, which runs before.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    AllowOutOfOrderMetadataProperties = true, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(Nothing))]
[JsonSerializable(typeof(BusError))]
[JsonSerializable(typeof(NodeInfo))]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(NodeAttest))]
[JsonSerializable(typeof(NodeAttestation))]
[JsonSerializable(typeof(NodeRecover))]
[JsonSerializable(typeof(NodeRecovery))]
[JsonSerializable(typeof(Grant))]
[JsonSerializable(typeof(GrantList))]
[JsonSerializable(typeof(DeploymentApply))]
[JsonSerializable(typeof(DeploymentName))]
[JsonSerializable(typeof(DeploymentDelete))]
[JsonSerializable(typeof(DeploymentStatus))]
[JsonSerializable(typeof(DeploymentList))]
[JsonSerializable(typeof(MachineName))]
[JsonSerializable(typeof(MachineStop))]
[JsonSerializable(typeof(MachineKill))]
[JsonSerializable(typeof(MachineLogs))]
[JsonSerializable(typeof(LogPiece))]
[JsonSerializable(typeof(MachineStats))]
[JsonSerializable(typeof(StatsPiece))]
[JsonSerializable(typeof(SessionOpen))]
[JsonSerializable(typeof(SessionOpened))]
[JsonSerializable(typeof(EventsWatch))]
[JsonSerializable(typeof(NodeEvent))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(VolumeName))]
[JsonSerializable(typeof(DiskList))]
[JsonSerializable(typeof(DiskDetails))]
[JsonSerializable(typeof(SignedDiskOrder))]
[JsonSerializable(typeof(DiskOrder))]
[JsonSerializable(typeof(Deployment))]
[JsonSerializable(typeof(FarmSettings))]
[JsonSerializable(typeof(ReleaseManifest))]
[JsonSerializable(typeof(NodeUpdate))]
[JsonSerializable(typeof(UpdateStatus))]
public sealed partial class BusJson : JsonSerializerContext;
